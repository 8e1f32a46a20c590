package providerlimit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestWaitsAreMeasuredByHowTheyEnd(t *testing.T) {
	t.Parallel()
	b := workers(t, devstacktest.Shared(), 1, slow)[0]
	require.NoError(t, b.Take(t.Context(), a(payment.ForCharge)))
	b.Pause(t.Context(), pauseMax)
	require.Error(t, b.Take(t.Context(), a(payment.ForCharge)))
	text := metricstest.Text(t, b.Collectors()...)
	require.Contains(t, text, `onlywave_provider_limit_wait_seconds_count{outcome="admitted",urgency="charge"} 1`)
	require.Contains(t, text, `onlywave_provider_limit_wait_seconds_count{outcome="refused",urgency="charge"} 1`)
}
