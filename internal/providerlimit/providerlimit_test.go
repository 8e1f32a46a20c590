package providerlimit

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// openStore waits for Redis longer than a payment would, however busy the machine is.
func openStore(t testing.TB, stack *devstack.Stack) *redis.Store {
	t.Helper()
	store, err := redis.Open(stack.RedisURL(), silent)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// workers are several processes that share one limit.
func workers(t *testing.T, stack *devstack.Stack, n, rate int) []*Limit {
	t.Helper()
	name := uuid.NewString()
	all := make([]*Limit, n)
	for i := range all {
		all[i] = New(openStore(t, stack), name, string(rune('a'+i)), rate, silent)
	}
	return all
}

// calls counts those of all tests, so that each has a name of its own.
var calls atomic.Int64

func a(u payment.Urgency) Call {
	return Call{Urgency: u, Name: strconv.FormatInt(calls.Add(1), 10)}
}

// now asks for a call that must not wait.
func (l *Limit) now(t *testing.T, u payment.Urgency) bool {
	t.Helper()
	admitted, _ := l.ask(t.Context(), a(u))
	return admitted
}

// spend takes calls until one is not admitted at once, and says how many were.
func (l *Limit) spend(t *testing.T, u payment.Urgency) int {
	t.Helper()
	c := a(u) // whose place is in no other caller's way
	for n := range 10_000 {
		if admitted, _ := l.ask(t.Context(), c); !admitted {
			return n
		}
	}
	require.Fail(t, "the limit has no end")
	return 0
}

// slow is a rate at which little is gained while a test looks.
const slow = 20

func TestTheBurstIsTheFleets(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 2, slow)
	admitted := 0
	began := time.Now()
	for range 10 {
		for i, u := range payment.Urgencies() {
			admitted += all[i%2].spend(t, u)
		}
	}
	gained := int(time.Since(began).Seconds()*slow) + 1
	require.GreaterOrEqual(t, admitted, slow-1, "but for a fraction that some have for themselves")
	require.LessOrEqual(t, admitted, slow+gained)
}

// What is saved up for one urgency the others leave alone, also while Redis is unavailable.
func TestEachUrgencyFindsItsPartOfTheBurst(t *testing.T) {
	t.Parallel()
	const rate = 100 // so that a call of 10 ms, as on a busy machine, does not gain as much as it spends
	for _, redisUnavailable := range []bool{false, true} {
		all := workers(t, devstacktest.Shared(), 2, rate)
		if redisUnavailable {
			all = []*Limit{withoutRedis(t, rate)}
		}
		began := time.Now()
		first := all[0].spend(t, payment.ForSweep)
		gained := func() float64 { return float64(int(time.Since(began).Seconds()*rate) + 2) }
		require.InDelta(t, 0.15*rate, first, gained(), "its own and what no urgency has a share of")
		last := all[len(all)-1]
		for _, u := range []payment.Urgency{payment.ForNews, payment.ForBuyer, payment.ForOperator, payment.ForCharge} {
			require.InDelta(t, share(u)*rate, last.spend(t, u), gained(), u)
		}
	}
}

// withoutRedis is a worker that has never reached its Redis.
func withoutRedis(t *testing.T, rate int) *Limit {
	t.Helper()
	store, err := redis.Open("redis://127.0.0.1:1", silent) // nothing listens there
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return New(store, "any", "a", rate, silent)
}

func TestTheSmallestLimitServesEveryUrgency(t *testing.T) {
	t.Parallel()
	for _, u := range payment.Urgencies() {
		require.True(t, workers(t, devstacktest.Shared(), 1, 1)[0].now(t, u))
		require.True(t, withoutRedis(t, 1).now(t, u))
	}
}

func TestNoRateIsNoLimit(t *testing.T) {
	t.Parallel()
	b, alone := workers(t, devstacktest.Shared(), 1, 0)[0], withoutRedis(t, 0)
	for range 200 {
		require.True(t, b.now(t, payment.ForSweep))
		require.True(t, alone.now(t, payment.ForSweep))
	}
	b.Pause(t.Context(), time.Minute)
	require.False(t, b.now(t, payment.ForCharge), "a pause is kept all the same")
}

func TestAShortWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, u := range []payment.Urgency{payment.ForCharge, payment.ForSweep} {
		for _, b := range []*Limit{workers(t, devstacktest.Shared(), 1, slow)[0], withoutRedis(t, slow)} {
			b.spend(t, u)
			began := time.Now()
			for range 3 {
				require.NoError(t, b.Take(t.Context(), a(u)))
			}
			require.GreaterOrEqual(t, time.Since(began), 2*time.Second/slow)
		}
	}
}

// A caller that has to wait for longer learns when to come again, and has the same place then.
func TestALongWaitIsSpentElsewhereAndThePlaceIsKept(t *testing.T) {
	t.Parallel()
	for _, all := range [][]*Limit{workers(t, devstacktest.Shared(), 2, slow), {withoutRedis(t, slow)}} {
		here, there := all[0], all[len(all)-1]
		for range 10 * slow { // ten seconds' worth of callers
			_, _ = here.ask(t.Context(), a(payment.ForNews))
		}
		first := a(payment.ForNews)
		err := here.Take(t.Context(), first)
		require.Equal(t, failure.Limited, failure.KindOf(err))
		wait := failure.RetryAfter(err)
		require.Greater(t, wait, 5*time.Second)
		later := failure.RetryAfter(here.Take(t.Context(), a(payment.ForNews)))
		require.Greater(t, later, wait-time.Second)
		for range 3 * slow {
			_, _ = there.ask(t.Context(), a(payment.ForNews))
		}
		again := failure.RetryAfter(there.Take(t.Context(), first)) // its worker has died, and another has it now
		require.LessOrEqual(t, again, wait, "later callers are behind")
	}
}

func TestACallerWithoutTimeDoesNotWait(t *testing.T) {
	t.Parallel()
	b := workers(t, devstacktest.Shared(), 1, slow)[0]
	b.Pause(t.Context(), pauseMax)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	require.Equal(t, failure.Limited, failure.KindOf(b.Take(ctx, a(payment.ForCharge))))

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	b = workers(t, devstacktest.Shared(), 1, 1)[0]
	require.Eventually(t, func() bool {
		b.Pause(t.Context(), longestWait/2)
		return failure.KindOf(b.Take(gone, a(payment.ForCharge))) == failure.Unavailable
	}, timeout, time.Millisecond, "its turn would come, and it is gone")
}

// Half of a caller's time is for the call itself.
func TestACallerIsLeftTimeForTheCall(t *testing.T) {
	t.Parallel()
	b := withoutRedis(t, slow)
	b.spend(t, payment.ForCharge)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/slow)
	defer cancel()
	require.Equal(t, failure.Limited, failure.KindOf(b.Take(ctx, a(payment.ForCharge))))
}

func TestAPauseIsForAllWorkers(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 3, 100)
	all[0].Pause(t.Context(), time.Minute)
	for _, b := range all[:2] {
		err := b.Take(t.Context(), a(payment.ForCharge))
		require.Equal(t, failure.Limited, failure.KindOf(err))
		require.InDelta(t, time.Minute, failure.RetryAfter(err), float64(20*time.Second))
	}
	all[2].Pause(t.Context(), time.Second)
	require.Greater(t, failure.RetryAfter(all[2].Take(t.Context(), a(payment.ForCharge))), 10*time.Second, "the longer pause holds")
}

func TestAPauseHasAnEndAndBounds(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 2, 100)
	before := time.Now()
	all[0].Pause(t.Context(), 0)
	require.WithinRange(t, time.UnixMilli(all[0].paused.Load()), before.Add(pauseDefault-time.Millisecond), time.Now().Add(pauseDefault))
	require.Eventually(t, func() bool { return all[1].now(t, payment.ForSweep) && all[0].now(t, payment.ForSweep) }, timeout, 10*time.Millisecond)

	all[0].Pause(t.Context(), 24*time.Hour)
	wait := failure.RetryAfter(all[1].Take(t.Context(), a(payment.ForCharge)))
	require.Greater(t, wait, pauseMax/2)
	require.LessOrEqual(t, wait, pauseMax+2*time.Second)
}

// A worker without a limit pauses with the others, which is all that it asks Redis for.
func TestAPauseIsForWorkersWithoutALimit(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 2, 0)
	for range 1000 {
		require.True(t, all[1].now(t, payment.ForSweep))
	}
	all[0].Pause(t.Context(), time.Minute)
	require.Equal(t, failure.Limited, failure.KindOf(all[1].Take(t.Context(), a(payment.ForCharge))))
}
