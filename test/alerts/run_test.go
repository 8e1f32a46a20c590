package alerts

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// One of the troubles, and one that troubles nobody: it is there to be noticed as an alert that was not seen.
func TestAnAlertFiresAndClears(t *testing.T) {
	platformtest.TakePlace(t)
	chosen, err := Choose("APIAbsent")
	require.NoError(t, err)
	chosen = append(chosen, Trouble{Shows: "nothing happens", Alerts: []string{"WorkerAbsent"}, Lasts: 3 * time.Second})
	var told bytes.Buffer
	program, env := platformtest.Program()
	err = Run(t.Context(), Options{Program: program, Env: env, Troubles: chosen, Out: &told})
	require.EqualError(t, err, "1 alerts were not seen to fire and clear", told.String())
	require.Regexp(t, `\| APIAbsent \| all apis are killed \| \d+ \| \d+ \|`, told.String())
	require.Regexp(t, `\| WorkerAbsent \| nothing happens \| \*\*not seen\*\* \|`, told.String())
	require.Contains(t, told.String(), "page: APIAbsent fires: no api process shows its metrics")
	require.Contains(t, told.String(), "page: APIAbsent is over")
}
