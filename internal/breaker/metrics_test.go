package breaker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// The state is the fleet's, whichever process shows it; a change is counted where it was caused. Without Redis the state
// is not known, and none is shown.
func TestTheFleetsStateIsShown(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	here, there := newFleet(t, stack, "here"), newFleet(t, stack, "there")
	require.NoError(t, here.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: Open, Reason: "a test"}))
	text := metricstest.Text(t, here.Collectors()...)
	require.Contains(t, text, `onlywave_breaker_changes_total{breaker="charge",to="open"} 1`)
	text = metricstest.Text(t, there.Collectors()...)
	require.Contains(t, text, `onlywave_breaker_changes_total{breaker="charge",to="open"} 0`)
	require.Contains(t, text, `onlywave_breaker_state{breaker="charge",state="open"} 1`)
	require.Contains(t, text, `onlywave_breaker_state{breaker="charge",state="closed"} 0`)
	require.Contains(t, text, `onlywave_breaker_state{breaker="read",state="closed"} 1`)

	require.NoError(t, stack.Process(devstack.Redis).Kill())
	require.NotContains(t, metricstest.Text(t, there.Collectors()...), "onlywave_breaker_state")
}
