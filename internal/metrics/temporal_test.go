package metrics

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What Temporal's client measures is shown beside our own, in seconds.
func TestTemporalsOwnMetricsAreShown(t *testing.T) {
	t.Parallel()
	temporal, err := NewTemporal()
	require.NoError(t, err)
	handler := temporal.Handler().WithTags(map[string]string{"task_queue": "q"})
	handler.Counter("temporal_request").Inc(2)
	handler.Timer("temporal_activity_schedule_to_start_latency").Record(30 * time.Millisecond)
	w := New("worker", func(context.Context) map[string]error { return nil }, slog.New(slog.DiscardHandler))
	w.Add(temporal.Collectors()...)
	status, body := get(t, w, "/metrics")
	require.Equal(t, 200, status)
	require.Regexp(t, `(?m)^temporal_request\{task_queue="q"\} 2$`, body)
	require.Regexp(t, `(?m)^temporal_activity_schedule_to_start_latency_seconds_bucket\{task_queue="q",le="0.05"\} 1$`, body)
	require.Regexp(t, `(?m)^temporal_activity_schedule_to_start_latency_seconds_bucket\{task_queue="q",le="0.025"\} 0$`, body)
}
