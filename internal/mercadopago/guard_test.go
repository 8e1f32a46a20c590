package mercadopago

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/simulator"
)

// guarded is a client behind breakers of its own, without a Redis.
func guarded(t *testing.T) (*simulator.Simulator, *Client) {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	store, err := redis.Open("redis://127.0.0.1:1", silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	provider := simulator.New(simulator.Config{AccessToken: "TEST-1"})
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	t.Cleanup(provider.Close) // before its server
	c, err := New(Config{BaseURL: server.URL, AccessToken: "TEST-1", Timeout: timeout, Breakers: breaker.NewFleet(store, "test", silent)})
	require.NoError(t, err)
	return provider, c
}

// other is a payment of another account.
const other = "77000000001"

// unread are the ways in which a 200 can say nothing about the payment.
var unread = []simulator.Fault{
	{On: simulator.Get, Kind: simulator.KindHTML, Status: http.StatusOK},
	{On: simulator.Get, Kind: simulator.KindEmpty, Status: http.StatusOK},
}

func TestEveryOperationHasABreakerButTheAccount(t *testing.T) {
	t.Parallel()
	_, c := guarded(t)
	for _, op := range operations() {
		require.Equal(t, op.name != opAccount.name, c.guard.breakers[op.breaker] != nil, op.name)
	}
}

func TestAProvidersPaymentIsIdentified(t *testing.T) {
	t.Parallel()
	provider, c := guarded(t)
	p := somePayment("ours")
	ours, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
	require.NoError(t, err)
	p.ID = "order-17-of-the-old-shop"
	foreign, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-2"})
	require.NoError(t, err)

	for id, want := range map[string]string{ours.PaymentID: somePayment("ours").ID, foreign.PaymentID: ""} {
		got, err := c.Identify(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = c.Identify(t.Context(), "1")
	require.Equal(t, failure.NotFound, failure.KindOf(err), "it may be too new")

	provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindError})
	_, err = c.Identify(t.Context(), foreign.PaymentID)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	_, err = c.Identify(t.Context(), "not-a-number")
	require.Equal(t, failure.Invalid, failure.KindOf(err))
}

// A refusal or an answer that cannot be read concerns one payment alone, unless our account is not answered either.
func TestARefusalOfOnePaymentIsNotOneOfEverything(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault simulator.Fault
		kind  failure.Kind
	}{
		"401":   {simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusUnauthorized}, failure.Forbidden},
		"403":   {simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusForbidden}, failure.Forbidden},
		"page":  {unread[0], failure.Internal},
		"empty": {unread[1], failure.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.fault.PaymentID = other
			provider, one := guarded(t)
			provider.AddFault(row.fault)
			_, err := one.Identify(t.Context(), other)
			require.Equal(t, row.kind, failure.KindOf(err))

			provider, everything := guarded(t)
			provider.AddFault(row.fault)
			provider.AddFault(simulator.Fault{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusUnauthorized, Times: 1})
			_, err = everything.Identify(t.Context(), other)
			require.Equal(t, failure.Unavailable, failure.KindOf(err))
		})
	}
}

// Our account is not read for each refusal.
func TestTheAnswerAboutOurAccountIsReliedOnForAWhile(t *testing.T) {
	t.Parallel()
	provider, c := guarded(t)
	provider.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusForbidden})
	for range 20 {
		_, err := c.Identify(t.Context(), other)
		require.Equal(t, failure.Forbidden, failure.KindOf(err))
	}
	asked := 0
	for _, r := range provider.Requests() {
		if r.Path == "/users/me" {
			asked++
		}
	}
	require.Equal(t, 1, asked)
}

// Webhooks about payments of others, or one payment that Mercado Pago shows in a new way, must not stop the reads of all others.
func TestWhatIsOddAboutOnePaymentOpensNoBreaker(t *testing.T) {
	t.Parallel()
	provider, c := guarded(t)
	ours, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("ours"), Key: "key-1"})
	require.NoError(t, err)
	for _, f := range append(unread,
		simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusInternalServerError},
		simulator.Fault{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusUnauthorized},
		simulator.Fault{On: simulator.Get, Kind: simulator.KindTruncated},
	) {
		f.PaymentID = other
		provider.SetFaults([]simulator.Fault{f})
		for range 20 {
			_, err := c.Identify(t.Context(), other)
			require.Error(t, err)
		}
		require.True(t, c.Steady(breaker.Read), "%s %d of a foreign payment", f.Kind, f.Status)
	}
	failing := func(times int) {
		for range times {
			_, err := c.Get(t.Context(), ours.PaymentID)
			require.Equal(t, failure.Unavailable, failure.KindOf(err))
		}
	}
	for _, f := range unread {
		f.PaymentID = ours.PaymentID
		provider.SetFaults([]simulator.Fault{f})
		failing(20)
		require.True(t, c.Steady(breaker.Read), "%s of our own payment", f.Kind)
	}
	provider.AddFault(simulator.Fault{On: simulator.Account, Kind: simulator.KindHTML, Status: http.StatusOK})
	c.guard.account.err, c.guard.account.until = nil, time.Time{} // nothing is known of it
	failing(100)
	require.False(t, c.Steady(breaker.Read), "nothing that Mercado Pago says can be read")
}

// A call that was not admitted was certainly not sent. Whatever else goes wrong may have come after it was sent.
func TestOnlyWhatTheGuardRefusesIsHeldBack(t *testing.T) {
	t.Parallel()
	provider, c := guarded(t)
	provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindReset})
	held := false
	for range 100 {
		sent := len(provider.Requests())
		_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("one"), Key: "key-1"})
		require.Equal(t, failure.Unavailable, failure.KindOf(err))
		if HeldBack(err) {
			require.Len(t, provider.Requests(), sent)
			held = true
		} else {
			// A caller may know of its reset connection before the request is written down.
			require.Eventually(t, func() bool { return len(provider.Requests()) > sent }, 10*time.Second, time.Millisecond)
			require.False(t, held, "the breaker stays open for seconds")
		}
	}
	require.True(t, held)
}
