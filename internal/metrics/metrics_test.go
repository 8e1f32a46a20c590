package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func get(t *testing.T, w *Watch, path string) (int, string) {
	t.Helper()
	out := httptest.NewRecorder()
	w.Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return out.Code, out.Body.String()
}

// Without one dependency a process is of use, without all it is of none; it is alive and started either way.
func TestHealthSaysWhatIsAwayAndWhy(t *testing.T) {
	t.Parallel()
	found := map[string]error{"postgres": nil, "temporal": nil}
	w := New("api", func(context.Context) map[string]error { return found }, slog.New(slog.DiscardHandler))
	status, body := get(t, w, "/readyz")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status": "ready", "dependencies": {"postgres": "ok", "temporal": "ok"}}`, body)

	found["temporal"] = errors.New("connection refused")
	status, body = get(t, w, "/readyz")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"status": "degraded", "dependencies": {"postgres": "ok", "temporal": "connection refused"}}`, body)
	_, body = get(t, w, "/metrics")
	require.Contains(t, body, `onlywave_dependency_up{dependency="postgres"} 1`)
	require.Contains(t, body, `onlywave_dependency_up{dependency="temporal"} 0`)

	found["postgres"] = errors.New("too many connections")
	status, body = get(t, w, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "too many connections")
	for path, word := range map[string]string{"/livez": "live", "/startupz": "started"} {
		status, body = get(t, w, path)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `{"status": "`+word+`"}`, body)
	}
}

// One collector that fails costs its own metrics, and not all.
func TestACollectorThatFailsHidesNoOther(t *testing.T) {
	t.Parallel()
	w := New("api", func(context.Context) map[string]error { return nil }, slog.New(slog.DiscardHandler))
	w.Add(broken{})
	status, body := get(t, w, "/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "go_goroutines")
	require.NotContains(t, body, "broken_total")
}

type broken struct{}

var brokenDesc = prometheus.NewDesc("broken_total", "Never there.", nil, nil)

func (broken) Describe(to chan<- *prometheus.Desc) { to <- brokenDesc }
func (broken) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.NewInvalidMetric(brokenDesc, errors.New("no"))
}
