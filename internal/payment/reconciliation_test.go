package payment

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Histories hold the words from before.
func TestAFindingOfTheVersionBeforeIsRead(t *testing.T) {
	t.Parallel()
	var f Finding
	require.NoError(t, json.Unmarshal([]byte(`{"id":1,"kind":"stranger"}`), &f))
	require.Equal(t, Finding{ID: 1, Kind: OrphanPayment}, f)
	var c ReconciliationCounts
	require.NoError(t, json.Unmarshal([]byte(`{"strangers":2,"nudged":3}`), &c))
	require.Equal(t, ReconciliationCounts{OrphanPayments: 2, Signalled: 3}, c)
}
