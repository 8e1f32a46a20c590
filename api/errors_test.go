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

	"github.com/onlywave/onlywave/internal/payment"
)

// Every kind has a verdict of its own.
func TestEveryKindHasAVerdict(t *testing.T) {
	t.Parallel()
	want := map[payment.Kind]int{
		payment.Invalid: 422, payment.Unauthorized: 401, payment.Forbidden: 403, payment.NotFound: 404,
		payment.Conflict: 409, payment.Limited: 429, payment.Unavailable: 503, payment.Internal: 500,
	}
	codes := map[string]bool{}
	for _, kind := range payment.Kinds() {
		v := verdictOf(kind)
		require.Equal(t, want[kind], v.status, kind)
		require.False(t, codes[v.code], v.code)
		codes[v.code] = true
	}
	require.Equal(t, verdictOf(payment.Internal), verdictOf("PanicError"))
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
		"limited":     {&payment.Error{Kind: payment.Limited, Message: "slow down", RetryAfter: 90 * time.Second}, 429, "slow down", "90"},
		"unavailable": {&payment.Error{Kind: payment.Unavailable, RetryAfter: 10 * time.Millisecond}, 503, "", "1"},
		"deadline":    {fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "", "2"},
		"conflict":    {fmt.Errorf("x: %w", &payment.Error{Kind: payment.Conflict, Message: "already so", Err: errors.New("inner")}), 409, "already so", ""},
		"foreign":     {errors.New("secret"), 500, "", ""},
		"internal":    {&payment.Error{Kind: payment.Internal, Message: "secret", Fields: []payment.Field{{Pointer: "/secret"}}}, 500, "", ""},
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
