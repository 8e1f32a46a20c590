package alerts

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// One of the faults, and one without effect: its alert must be reported as not seen.
func TestAnAlertFiresAndResolves(t *testing.T) {
	platformtest.TakePlace(t)
	chosen, err := Choose("APIAbsent")
	require.NoError(t, err)
	chosen = append(chosen, Fault{Shows: "nothing happens", Alerts: []string{"WorkerAbsent"}, Lasts: 3 * time.Second})
	var out bytes.Buffer
	program, env := platformtest.Program()
	err = Run(t.Context(), Options{Program: program, Env: env, Faults: chosen, Out: &out})
	require.EqualError(t, err, "1 alerts did not fire and resolve", out.String())
	require.Regexp(t, `\| APIAbsent \| all api processes are killed \| \d+ \| \d+ \|`, out.String())
	require.Regexp(t, `\| WorkerAbsent \| nothing happens \| \*\*not seen\*\* \|`, out.String())
	require.Contains(t, out.String(), "page: APIAbsent fires: no api process shows its metrics")
	require.Contains(t, out.String(), "page: APIAbsent resolved")
}
