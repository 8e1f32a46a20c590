package activities

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
)

// openStore waits for Redis longer than a payment would, however busy the machine is.
func openStore(t *testing.T, url string) *redis.Store {
	t.Helper()
	store, err := redis.Open(url, silent)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// limited is a worker of its own on the same database and provider, within a provider rate limit of the given name.
func (w env) limited(t *testing.T, name, worker string) (env, *providerlimit.Limit) {
	t.Helper()
	limit := providerlimit.New(openStore(t, devstacktest.Shared().RedisURL()), name, worker, 100, silent)
	w.Activities = New(Config{Database: w.database, Provider: newClient(t, w.address, limit), Breakers: ownBreakers(t)})
	return w, limit
}

func TestA429PausesEveryWorker(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	name := uuid.NewString()
	one, _ := w.limited(t, name, "a")
	other, _ := w.limited(t, name, "b")
	id := w.opened(t)
	w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindRateLimited, Delay: time.Minute, Times: 1})
	_, err := one.charge(t, id)
	requireActivityError(t, err, failure.Limited, true)
	require.Len(t, w.provider.Requests(), 1)

	for _, worker := range []env{one, other} {
		_, err := worker.charge(t, id)
		requireActivityError(t, err, failure.Limited, true)
		require.Greater(t, application(t, err).NextRetryDelay(), 10*time.Second)
		_, err = worker.Look(t.Context(), LookInput{PaymentID: id, Money: money})
		requireActivityError(t, err, failure.Limited, true)
	}
	require.Len(t, w.provider.Requests(), 1, "no call was made")
}

// Each call stands among those that are as urgent; also one that an older version of the program has scheduled.
func TestEachCallSaysWhoWaitsForIt(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	look := func(t *testing.T, worker env, in LookInput) {
		id, state := w.charged(t)
		for _, in.ProviderPaymentID = range []string{"", state.PaymentID} {
			in.PaymentID, in.Money = id, money
			_, err := worker.Look(t.Context(), in)
			require.NoError(t, err)
		}
	}
	for name, row := range map[string]struct {
		urgency payment.Urgency
		calls   int
		do      func(*testing.T, env)
	}{
		"charge": {payment.ForCharge, 1, func(t *testing.T, worker env) {
			_, err := worker.charge(t, w.opened(t))
			require.NoError(t, err)
		}},
		"charge that looks for itself first": {payment.ForBuyer, 1, func(t *testing.T, worker env) {
			_, err := worker.charge(t, w.openedAt(t, time.Now().Add(-2*keyMemory)))
			require.NoError(t, err)
		}},
		"operator's look": {payment.ForOperator, 2, func(t *testing.T, worker env) { look(t, worker, LookInput{Urgency: payment.ForOperator}) }},
		"look for news":   {payment.ForNews, 2, func(t *testing.T, worker env) { look(t, worker, LookInput{Urgency: payment.ForNews}) }},
		"old look":        {payment.ForNews, 2, func(t *testing.T, worker env) { look(t, worker, LookInput{}) }},
		"old poll":        {payment.ForSweep, 2, func(t *testing.T, worker env) { look(t, worker, LookInput{Unasked: true}) }},
		"webhook without a payment": {payment.ForNews, 1, func(t *testing.T, worker env) {
			_, err := worker.Activities.provider.Identify(mercadopago.WithPriority(t.Context(), payment.ForNews, ""), "404")
			require.Equal(t, failure.NotFound, failure.KindOf(err))
		}},
		"sweep": {payment.ForSweep, 1, func(t *testing.T, worker env) {
			_, err := worker.Sweep(t.Context(), SweepInput{Window: mercadopago.Window{From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(-time.Hour)}})
			require.NoError(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			worker, limit := w.limited(t, uuid.NewString(), "a")
			row.do(t, worker)
			require.Contains(t, metricstest.Text(t, limit.Collectors()...),
				fmt.Sprintf(`onlywave_provider_limit_wait_seconds_count{outcome="admitted",urgency="%s"} %d`, row.urgency, row.calls))
		})
	}
}

// A call that waits has a turn among those of the client app whose payment it is about.
func TestEachCallSaysWhichClientAppItIsFor(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	for name, row := range map[string]struct {
		turns []string
		do    func(t *testing.T, worker env)
	}{
		"charge": {[]string{"2:shop"}, func(t *testing.T, worker env) {
			_, err := worker.charge(t, w.opened(t))
			requireActivityError(t, err, failure.Limited, true)
		}},
		"look": {[]string{"4:shop"}, func(t *testing.T, worker env) {
			_, err := worker.Look(t.Context(), LookInput{PaymentID: w.opened(t), ClientID: "shop", Money: money})
			requireActivityError(t, err, failure.Limited, true)
		}},
		"sweep": {[]string{"5:"}, func(t *testing.T, worker env) {
			_, err := worker.Sweep(t.Context(), SweepInput{Window: mercadopago.Window{From: time.Now().Add(-2 * time.Hour), To: time.Now().Add(-time.Hour)}})
			requireActivityError(t, err, failure.Limited, true)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			name := uuid.NewString()
			worker, _ := w.limited(t, name, "a")
			_, other := w.limited(t, name, "b")
			other.Pause(t.Context(), time.Minute)
			row.do(t, worker)
			turns, err := openStore(t, devstacktest.Shared().RedisURL()).Client().ZRange(t.Context(), "onlywave:budget:{"+name+"}:turns", 0, -1).Result()
			require.NoError(t, err)
			require.Equal(t, row.turns, turns)
		})
	}
}

// What the breaker refuses takes no call from the rate limit that others could make.
func TestAnOpenBreakerTakesNothingFromTheRateLimit(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	stack := devstacktest.Start(t, devstack.Redis)
	store := openStore(t, stack.RedisURL())
	fleet := breaker.NewFleet(store, "a", silent)
	fleet.Audit = func(context.Context, audit.Entry) error { return nil }
	w.Activities = New(Config{
		Database: w.database, Provider: newGuardedClient(t, w.address, fleet, providerlimit.New(store, "mp", "a", 100, silent)), Breakers: fleet,
	})
	require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, breaker.Charge, breaker.Setting{To: breaker.Open, Reason: "maintenance"}))
	id := w.opened(t)
	spent := func() string {
		_, err := w.charge(t, id)
		requireActivityError(t, err, failure.Unavailable, true)
		return store.Client().Get(t.Context(), "onlywave:budget:{mp}:level").Val()
	}
	require.Eventually(t, func() bool { first := spent(); return first != "" && first == spent() }, timeout, time.Millisecond)
	require.Empty(t, w.provider.Requests())
}

// Redis is silent from the middle of a payment's life on: its calls lose next to no time, and do not fail.
func TestASilentRedisFailsNoCall(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	stack := devstacktest.Start(t, devstack.Redis)
	store := openStore(t, stack.RedisURL())
	store.AnswerTime = 80 * time.Millisecond
	fleet := breaker.NewFleet(store, "a", silent)
	w.Activities = New(Config{
		Database: w.database, Provider: newGuardedClient(t, w.address, fleet, providerlimit.New(store, "mp", "a", 1000, silent)), Breakers: fleet,
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
	require.True(t, store.Unavailable())
	require.NoError(t, stack.Process(devstack.Redis).Resume())
}
