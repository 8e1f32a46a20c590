package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
)

// Labels come from the table of routes: invented paths and the ids of payments make no series.
func TestRequestsAreMeasuredByRoute(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.get(t, "/v1/payments")
	f.get(t, "/v1/payments/0190b3a5-made-up")
	f.get(t, "/v1/payments", "Authorization", "")
	for _, made := range []string{"/a", "/b", "/v1/payments"} {
		w := httptest.NewRecorder()
		f.server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "BREW", made, nil))
		require.GreaterOrEqual(t, w.Code, http.StatusBadRequest)
	}
	text := metricstest.Text(t, f.server.Collectors()...)
	for _, line := range []string{
		`{method="GET",route="/v1/payments",status="2xx"} 1`,
		`{method="GET",route="/v1/payments",status="4xx"} 1`,
		`{method="GET",route="/v1/payments/:id",status="4xx"} 1`,
		`{method="none",route="none",status="4xx"} 3`,
	} {
		require.Contains(t, text, "onlywave_http_request_duration_seconds_count"+line)
	}
	require.Equal(t, 4, strings.Count(text, "_count{"), text)
	require.NotContains(t, text, "made-up")
}
