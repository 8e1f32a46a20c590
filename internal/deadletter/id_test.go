package deadletter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestIDsOfDifferentThingsDiffer(t *testing.T) {
	t.Parallel()
	require.Equal(t, NewID("m", "q"), NewID("m", "q"))
	ids := map[string]bool{NewID("m", "q"): true, NewID("m", ""): true, NewID("mq", ""): true,
		RunMessageID("m", "q", ""): true, NewRedriveID("m", "q"): true, payment.NewID("m", "q"): true}
	require.Len(t, ids, 6)
	for id := range ids {
		require.True(t, payment.ValidID(id))
	}
}
