package activities

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/budget"
	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redisstore"
	"github.com/onlywave/onlywave/internal/simulator"
)

// openStore waits for Redis longer than a payment would, however busy the machine is.
func openStore(t *testing.T, url string) *redisstore.Store {
	t.Helper()
	store, err := redisstore.Open(url, silent)
	require.NoError(t, err)
	store.AnswerTime = patience
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// limited is a worker of its own on the same record and provider, within a budget of the given name.
func (w world) limited(t *testing.T, name, worker string) world {
	t.Helper()
	w.Activities = New(Config{
		Record: w.record, Provider: w.Activities.provider.client, Breakers: alone(t),
		Budget: budget.New(openStore(t, devstacktest.Shared().RedisURL()), name, worker, 100, silent),
	})
	return w
}

func TestA429PausesEveryWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := uuid.NewString()
	one, other := w.limited(t, name, "a"), w.limited(t, name, "b")
	id := w.opened(t)
	w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Delay: time.Minute, Times: 1})
	_, err := one.charge(t, id)
	requireVerdict(t, err, payment.Limited, true)
	require.Len(t, w.provider.Requests(), 1)

	for _, worker := range []world{one, other} {
		_, err := worker.charge(t, id)
		requireVerdict(t, err, payment.Limited, true)
		require.Greater(t, application(t, err).NextRetryDelay(), 10*time.Second)
		_, err = worker.Look(t.Context(), LookInput{PaymentID: id, Money: money})
		requireVerdict(t, err, payment.Limited, true)
	}
	require.Len(t, w.provider.Requests(), 1, "nobody calls")
}

// A look that nobody asked for stands back where one that is waited for goes out.
func TestAnUnaskedLookLetsOthersGoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := uuid.NewString()
	worker, client := w.limited(t, name, "a"), openStore(t, devstacktest.Shared().RedisURL()).Client()
	id, state := w.charged(t)
	busy := func() { // the burst, which is a second's worth, is used up, and most of the next second is booked
		require.NoError(t, client.Set(t.Context(), "onlywave:budget:{"+name+"}", time.Now().Add(1800*time.Millisecond).UnixMicro(), 0).Err())
	}
	for _, in := range []LookInput{
		{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money, Unasked: true},
		{PaymentID: id, Money: money, Unasked: true}, // by reference
	} {
		require.Eventually(t, func() bool {
			busy()
			_, err := worker.Look(t.Context(), in)
			return err != nil && application(t, err).Type() == string(payment.Limited)
		}, patience, time.Millisecond)
		busy()
		in.Unasked = false
		seen, err := worker.Look(t.Context(), in)
		require.NoError(t, err)
		require.True(t, seen.Found)
	}
}

// What the breaker refuses takes nothing from the budget that others could use.
func TestAnOpenBreakerCostsNoBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stack := devstacktest.Start(t, devstack.Redis)
	store := openStore(t, stack.RedisURL())
	fleet := breaker.NewFleet(store, "a", silent)
	w.Activities = New(Config{
		Record: w.record, Provider: w.Activities.provider.client, Breakers: fleet, Budget: budget.New(store, "mp", "a", 100, silent),
	})
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, breaker.Charge, breaker.Setting{To: breaker.Open, Reason: "maintenance"}))
	id := w.opened(t)
	spent := func() string {
		_, err := w.charge(t, id)
		requireVerdict(t, err, payment.Unavailable, true)
		return store.Client().Get(t.Context(), "onlywave:budget:{mp}").Val()
	}
	require.Eventually(t, func() bool { first := spent(); return first != "" && first == spent() }, patience, time.Millisecond)
	require.Empty(t, w.provider.Requests())
}

// Redis is silent from the middle of a payment's life on: its calls lose next to no time, and do not fail.
func TestASilentRedisFailsNoCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stack := devstacktest.Start(t, devstack.Redis)
	store := openStore(t, stack.RedisURL())
	store.AnswerTime = 80 * time.Millisecond
	w.Activities = New(Config{
		Record: w.record, Provider: w.Activities.provider.client,
		Breakers: breaker.NewFleet(store, "a", silent), Budget: budget.New(store, "mp", "a", 1000, silent),
	})
	id, state := w.charged(t)
	require.NoError(t, stack.Process(devstack.Redis).Pause())
	for range 20 {
		again, err := w.charge(t, id)
		require.NoError(t, err)
		require.Equal(t, state, again)
		_, err = w.Look(t.Context(), LookInput{PaymentID: id, Money: money})
		require.NoError(t, err)
	}
	require.True(t, store.Away())
	require.NoError(t, stack.Process(devstack.Redis).Resume())
}
