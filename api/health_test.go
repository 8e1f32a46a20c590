package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const ok, notReady = `{"status":"ok"}`, `{"status":"not ready"}`
	ask := func(want int, body string) {
		t.Helper()
		f.server.readiness.known = time.Time{} // as if a second had passed
		w := f.get(t, "/readyz", "Authorization", "")
		require.Equal(t, want, w.Code)
		require.JSONEq(t, body, w.Body.String(), "no dependency is named")
	}
	ask(http.StatusOK, ok)
	unavailable := errors.New("dial 10.0.0.7")
	f.ready["temporal"] = unavailable
	ask(http.StatusOK, ok)
	f.ready["postgres"], f.ready["rabbitmq"] = unavailable, unavailable
	ask(http.StatusServiceUnavailable, notReady)
	f.ready["postgres"] = nil
	ask(http.StatusOK, ok)

	f.server.Drain()
	ask(http.StatusServiceUnavailable, notReady)
	require.Equal(t, http.StatusOK, f.get(t, "/livez", "Authorization", "").Code)
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments").Code, "requests are still served")
}

// However many probes come at once, the dependencies are asked once, and again after a second.
func TestReadinessIsAskedOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := readiness{ask: func(context.Context) map[string]error {
			asked++
			return map[string]error{"postgres": nil}
		}}
		burst := func() {
			var probes sync.WaitGroup
			for range 1000 {
				probes.Go(func() { require.True(t, r.now(t.Context())) })
			}
			probes.Wait()
		}
		burst()
		burst()
		require.Equal(t, 1, asked)
		time.Sleep(readyAge)
		burst()
		require.Equal(t, 2, asked)

		gone, hangUp := context.WithCancel(t.Context())
		hangUp()
		time.Sleep(readyAge)
		require.True(t, r.now(gone), "a probe that is cancelled does not change the answer for others")
	})
}

// Until the load balancers have noticed, requests still arrive and are served.
func TestAServerThatDrainsStillServes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, end := context.WithCancel(t.Context())
	serving, stop := f.server.Drained(ctx, time.Hour)
	require.Equal(t, http.StatusOK, f.get(t, "/readyz").Code)
	end()
	require.Eventually(t, func() bool { return f.get(t, "/readyz").Code == http.StatusServiceUnavailable }, time.Minute, time.Millisecond)
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments").Code)
	require.NoError(t, serving.Err())
	stop()
	require.Error(t, serving.Err())

	f = newFixture(t)
	ctx, end = context.WithCancel(t.Context())
	serving, stop = f.server.Drained(ctx, time.Millisecond)
	defer stop()
	require.NoError(t, serving.Err())
	end()
	<-serving.Done()
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/readyz").Code)
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.Equal(t, "a-1_b.c", f.get(t, "/livez", "X-Request-Id", "a-1_b.c").Header().Get("X-Request-Id"))
	for _, id := range []string{"", "a b", `"`, "ação", strings.Repeat("x", 129)} {
		got := f.get(t, "/livez", "X-Request-Id", id).Header().Get("X-Request-Id")
		require.NotEqual(t, id, got)
		require.Len(t, got, 36)
	}
}

func TestOneLogLineSaysNothingSecret(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, "order-1042", goodBody)
	f.get(t, "/v1/payments?reference=confidential")
	lines := strings.Split(strings.TrimSpace(f.logs.String()), "\n")
	require.Len(t, lines, 2)
	for _, part := range []string{`"method":"POST"`, `"route":"/v1/payments"`, `"status":201`, `"client_id":"shop"`, `"payment_id":"`, `"request_id":"test-1"`, `"duration":`} {
		require.Contains(t, lines[0], part)
	}
	for _, secret := range []string{"ow_test", "ana@", "12345678909", "Order 1042", "confidential", "order-1042"} {
		require.NotContains(t, f.logs.String(), secret)
	}
}

func TestPanicIsAProblem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.server.engine.GET("/panic", func(*gin.Context) { panic("secret") })
	f.server.engine.GET("/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	w := f.get(t, "/panic")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "internal", decode[Problem](t, w).Code)
	require.NotContains(t, w.Body.String(), "secret")
	require.Contains(t, f.logs.String(), `"panic":"secret"`)
	require.Contains(t, f.logs.String(), "health_test.go")
	require.Panics(t, func() {
		f.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/abort", nil))
	})
}

// The page loads nothing from other hosts, and its policy forbids it.
func TestDocs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	page := f.get(t, "/docs", "Authorization", "")
	require.Equal(t, http.StatusOK, page.Code)
	require.Contains(t, page.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, page.Header().Get("Content-Security-Policy"), "http")
	require.NotContains(t, page.Body.String(), "://")
	for _, path := range []string{"/docs/openapi-explorer.min.js", "/docs/openapi-explorer.LICENSE", "/openapi.json"} {
		w := f.get(t, path, "Authorization", "")
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Positive(t, w.Body.Len())
	}
	require.Contains(t, f.get(t, "/docs/openapi-explorer.min.js").Header().Get("Content-Type"), "javascript")
}
