package ratelimit

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Each request is counted once, by the name of its limit and by where it was decided, never by its client.
func TestRequestsAreCountedByLimitAndDecision(t *testing.T) {
	t.Parallel()
	l := processes(t, devstacktest.Shared(), 1)[0]
	group, limit := uuid.NewString(), slow("writes-key", 1)
	for range 3 {
		l.Take(t.Context(), group, limit)
	}
	text := metricstest.Text(t, l.Collectors()...)
	require.Contains(t, text, `onlywave_limited_requests_total{decided="fleet",limit="writes-key",outcome="admitted"} 1`)
	require.Contains(t, text, `onlywave_limited_requests_total{decided="process",limit="writes-key",outcome="refused"} 2`)
	require.NotContains(t, text, group)
}
