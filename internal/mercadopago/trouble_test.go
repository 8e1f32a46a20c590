package mercadopago

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/simulator"
)

// However an answer is lost after the charge was made, the outcome is unknown, one request was sent, and
// the same key finds the one charge.
func TestLostAnswersAreUnavailable(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{
		simulator.KindLostAnswer, simulator.KindTruncated, simulator.KindHTML, simulator.KindEmpty, simulator.KindErrorAfter,
		simulator.KindReset, simulator.KindError,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s, c := simulated(t, simulator.Config{})
			_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("warm up"), Key: "key-0"}) // so that a used connection breaks
			require.NoError(t, err)
			s.AddFault(simulator.Fault{On: simulator.Create, Kind: kind, Times: 1})
			p := somePayment("lost")

			_, err = c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
			require.Equal(t, failure.Unavailable, failure.KindOf(err), "%v", err)

			state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
			require.NoError(t, err)
			require.Equal(t, p.ID, state.Reference)
			require.Len(t, s.Ledger(), 2)
			require.Eventually(t, func() bool { return len(s.Requests()) == 3 }, timeout, time.Millisecond)
		})
	}
}

func TestSlowAnswersTimeOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	for name, h := range map[string]http.HandlerFunc{
		"no header": func(http.ResponseWriter, *http.Request) { <-release },
		"half a body": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			io.WriteString(w, `{"id":1`)
			w.(http.Flusher).Flush()
			<-release
		},
	} {
		c := clientOf(t, h, 50*time.Millisecond)
		_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("slow"), Key: "key-1"})
		require.Equal(t, failure.Unavailable, failure.KindOf(err), name)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
}

func TestACallersOwnDeadlineHolds(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answering(http.StatusOK, `{}`), timeout)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Get(ctx, "106400160592")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

func TestOversizeAnswersAreCutOff(t *testing.T) {
	t.Parallel()
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<16)
		for range 1 << 10 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}), timeout)
	_, err := c.Get(t.Context(), "106400160592")
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.ErrorContains(t, err, "longer than")
}

// A redirect would carry the token elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	c := clientOf(t, http.RedirectHandler(other.URL, http.StatusTemporaryRedirect), timeout)
	_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("redirect"), Key: "key-1"})
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.Zero(t, elsewhere.Load())
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	s.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Times: 1, Delay: 3 * time.Second})
	_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("limited"), Key: "key-1"})
	require.Equal(t, failure.Limited, failure.KindOf(err))
	require.Equal(t, 3*time.Second, failure.RetryAfter(err))
}
