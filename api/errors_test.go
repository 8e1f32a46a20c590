package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

// Every kind has a mapping of its own.
func TestEveryKindHasAMapping(t *testing.T) {
	t.Parallel()
	want := map[failure.Kind]int{
		failure.Invalid: 422, failure.Unauthorized: 401, failure.Forbidden: 403, failure.NotFound: 404,
		failure.Conflict: 409, failure.Limited: 429, failure.Unavailable: 503, failure.Internal: 500,
	}
	codes := map[string]bool{}
	for _, kind := range failure.Kinds() {
		m := mappingOf(kind)
		require.Equal(t, want[kind], m.status, kind)
		require.False(t, codes[m.code], m.code)
		codes[m.code] = true
	}
	require.Equal(t, mappingOf(failure.Internal), mappingOf("PanicError"))
}

func TestProblems(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, row := range map[string]struct {
		err        error
		status     int
		detail     string
		retryAfter string
	}{
		"limited":     {&failure.Error{Kind: failure.Limited, Message: "slow down", RetryAfter: 90 * time.Second}, 429, "slow down", "90"},
		"unavailable": {&failure.Error{Kind: failure.Unavailable, RetryAfter: 10 * time.Millisecond}, 503, "", "1"},
		"deadline":    {fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "", "2"},
		"conflict":    {fmt.Errorf("x: %w", &failure.Error{Kind: failure.Conflict, Message: "already so", Err: errors.New("inner")}), 409, "already so", ""},
		"foreign":     {errors.New("secret"), 500, "", ""},
		"internal":    {&failure.Error{Kind: failure.Internal, Message: "secret", Fields: []failure.Field{{Pointer: "/secret"}}}, 500, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			c, _ := gin.CreateTestContext(w)
			c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/x%20y", nil)
			c.Set(eventKey, &requestEvent{requestID: "r-1"})
			f.server.answerError(c, row.err)

			require.Equal(t, row.status, w.Code)
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			require.Equal(t, row.retryAfter, w.Header().Get("Retry-After"))
			p := decode[Problem](t, w)
			require.Equal(t, row.detail, p.Detail)
			require.Equal(t, "/v1/x%20y", p.Instance)
			require.Equal(t, "r-1", p.RequestID)
			require.NotContains(t, w.Body.String(), "secret")
		})
	}
}
