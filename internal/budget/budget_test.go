package budget

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redisstore"
)

const patient = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// workers are several processes' holds on one budget. They wait for Redis longer than a payment would, however busy the
// machine is.
func workers(t *testing.T, stack *devstack.Stack, n, rate int) []*Budget {
	t.Helper()
	name := uuid.NewString()
	all := make([]*Budget, n)
	for i := range all {
		store, err := redisstore.Open(stack.RedisURL(), silent)
		require.NoError(t, err)
		store.AnswerTime = patient
		t.Cleanup(func() { _ = store.Close() })
		all[i] = New(store, name, string(rune('a'+i)), rate, silent)
	}
	return all
}

// now asks for a call that must not wait.
func (b *Budget) now(t *testing.T, p Priority) bool {
	t.Helper()
	admitted, wait := b.ask(t.Context(), p, 0)
	return admitted && wait == 0
}

// spend takes calls until one is not admitted at once, and says how many were.
func (b *Budget) spend(t *testing.T, p Priority) int {
	t.Helper()
	for n := range 10_000 {
		if !b.now(t, p) {
			return n
		}
	}
	require.Fail(t, "the budget has no end")
	return 0
}

// slow is a rate at which little is gained while a test looks.
const slow = 20

func TestTheBurstIsTheFleets(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 2, slow)
	admitted := 0
	began := time.Now()
	for i := range 10 * slow {
		if all[i%2].now(t, Buyer) {
			admitted++
		}
	}
	gained := int(time.Since(began).Seconds()*slow) + 1
	require.GreaterOrEqual(t, admitted, slow)
	require.LessOrEqual(t, admitted, slow+gained)
}

func TestEachPriorityLeavesItsPartToThoseAbove(t *testing.T) {
	t.Parallel()
	const rate = 1000
	for _, redisAway := range []bool{false, true} {
		all := workers(t, devstacktest.Shared(), 2, rate)
		if redisAway {
			all = []*Budget{away(t, rate)}
		}
		last := all[len(all)-1]
		began := time.Now()
		sweeps := all[0].spend(t, Sweep)
		refunds := last.spend(t, Refund)
		buyers := all[0].spend(t, Buyer)
		gained := int(time.Since(began).Seconds()*rate) + 1
		require.InDelta(t, 500, sweeps, float64(gained), "half is left")
		require.InDelta(t, 300, refunds, float64(gained), "a fifth is left")
		require.InDelta(t, 200, buyers, float64(gained))
		require.GreaterOrEqual(t, sweeps+refunds+buyers, rate)
	}
}

// away is a worker that has never seen its Redis.
func away(t *testing.T, rate int) *Budget {
	t.Helper()
	store, err := redisstore.Open("redis://127.0.0.1:1", silent) // nothing listens there
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return New(store, "any", "a", rate, silent)
}

func TestTheSmallestBudgetIsForEverybody(t *testing.T) {
	t.Parallel()
	for _, p := range []Priority{Buyer, Refund, Sweep} {
		require.True(t, workers(t, devstacktest.Shared(), 1, 1)[0].now(t, p))
		require.True(t, away(t, 1).now(t, p))
	}
}

func TestNoRateIsNoLimit(t *testing.T) {
	t.Parallel()
	b, alone := workers(t, devstacktest.Shared(), 1, 0)[0], away(t, 0)
	for range 200 {
		require.True(t, b.now(t, Sweep))
		require.True(t, alone.now(t, Sweep))
	}
	b.Pause(t.Context(), time.Minute)
	require.False(t, b.now(t, Buyer), "a pause is kept all the same")
}

// A buyer's call that is soon due waits for its own moment; the calls of others wait and ask again.
func TestAShortWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, b := range []*Budget{workers(t, devstacktest.Shared(), 1, slow)[0], away(t, slow)} {
		b.spend(t, Buyer)
		began := time.Now()
		for range 3 {
			require.NoError(t, b.Take(t.Context(), Buyer))
		}
		require.GreaterOrEqual(t, time.Since(began), 2*time.Second/slow)
	}
	b := workers(t, devstacktest.Shared(), 1, slow)[0]
	b.spend(t, Sweep)
	require.NoError(t, b.Take(t.Context(), Sweep))
}

func TestALongWaitIsSpentElsewhere(t *testing.T) {
	t.Parallel()
	for _, b := range []*Budget{workers(t, devstacktest.Shared(), 1, slow)[0], away(t, slow)} {
		for _, p := range []Priority{Buyer, Sweep} {
			var err error
			require.Eventually(t, func() bool {
				for admitted := true; admitted; { // each books the next place, up to a second ahead, and does not wait for it
					admitted, _ = b.ask(t.Context(), Buyer, patience)
				}
				err = b.Take(t.Context(), p)
				return payment.KindOf(err) == payment.Limited
			}, patient, time.Millisecond)
			require.GreaterOrEqual(t, payment.RetryAfter(err), patience)
		}
	}
}

func TestACallerWithoutTimeDoesNotWait(t *testing.T) {
	t.Parallel()
	b := workers(t, devstacktest.Shared(), 1, slow)[0]
	b.Pause(t.Context(), pauseMax)
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	require.Equal(t, payment.Limited, payment.KindOf(b.Take(ctx, Buyer)))

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	b = workers(t, devstacktest.Shared(), 1, 1)[0]
	require.Eventually(t, func() bool {
		b.Pause(t.Context(), patience/2)
		return payment.KindOf(b.Take(gone, Buyer)) == payment.Unavailable
	}, patient, time.Millisecond, "its turn would come, and it is gone")
}

func TestAPauseIsEverybodys(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 3, 100)
	all[0].Pause(t.Context(), time.Minute)
	for _, b := range all[:2] {
		err := b.Take(t.Context(), Buyer)
		require.Equal(t, payment.Limited, payment.KindOf(err))
		require.InDelta(t, time.Minute, payment.RetryAfter(err), float64(20*time.Second))
	}
	all[2].Pause(t.Context(), time.Second)
	require.Greater(t, payment.RetryAfter(all[2].Take(t.Context(), Buyer)), 10*time.Second, "the longer pause holds")
}

func TestAPauseHasAnEndAndBounds(t *testing.T) {
	t.Parallel()
	all := workers(t, devstacktest.Shared(), 2, 100)
	before := time.Now()
	all[0].Pause(t.Context(), 0)
	require.WithinRange(t, time.UnixMilli(all[0].paused.Load()), before.Add(pauseDefault-time.Millisecond), time.Now().Add(pauseDefault))
	require.Eventually(t, func() bool { return all[1].now(t, Sweep) && all[0].now(t, Sweep) }, patient, 10*time.Millisecond)

	all[0].Pause(t.Context(), 24*time.Hour)
	wait := payment.RetryAfter(all[1].Take(t.Context(), Buyer))
	require.Greater(t, wait, pauseMax/2)
	require.LessOrEqual(t, wait, pauseMax+2*time.Second)
}
