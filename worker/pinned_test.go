package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
)

// While Temporal does not answer, the gauge shows nothing: 0 would say that no payment waits.
func TestPinnedPaymentsAreNotShownWhileTemporalIsUnavailable(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	require.Contains(t, metricstest.Text(t, NewPinned(w)), "onlywave_payments_without_workers 0")
	at.temporal = unreachable
	w, _ = newWorker(t, at)
	require.NotContains(t, metricstest.Text(t, NewPinned(w)), "onlywave_payments_without_workers 0")
}
