package breaker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// The fleet's last word holds while Redis is unavailable: else an outage of both would let every process try for itself.
func TestAnUnavailableRedisDoesNotShortenAnOutage(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	_, all := workers(t, stack, 2, lasting)
	var mp party
	trip(t, &mp, all[0])
	require.True(t, isRefused(all[1].Do(t.Context(), mp.call)))
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	mp.calls.Store(0)
	for range 20 {
		require.True(t, isRefused(all[1].Do(t.Context(), mp.call)))
	}
	require.Zero(t, mp.calls.Load())
}

// What an operator has decided holds for as long as Redis is unavailable, for every process that has seen it.
func TestAnUnavailableRedisDoesNotOverruleAnOperator(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	operator, worker := newFleet(t, stack, "operator"), newFleet(t, stack, "a")
	held, let := worker.Breaker(Charge, lasting), worker.Breaker(Read, lasting)
	require.NoError(t, operator.Force(t.Context(), audit.Actor{Name: "ana"}, Charge, Setting{To: Open, Reason: "maintenance"}))
	require.NoError(t, operator.Force(t.Context(), audit.Actor{Name: "ana"}, Read, Setting{To: Closed, Reason: "they say it is us"}))
	var mp party
	require.True(t, isRefused(held.Do(t.Context(), mp.call)))
	require.NoError(t, let.Do(t.Context(), mp.call))
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	for _, b := range []*Breaker{held, let} { // an hour later
		last := *b.last.Load()
		last.at, last.until = last.at.Add(-time.Hour), last.until.Add(-time.Hour)
		b.last.Store(&last)
	}

	mp.down.Store(true)
	mp.calls.Store(0)
	require.True(t, isRefused(held.Do(t.Context(), mp.call)))
	require.Zero(t, mp.calls.Load())
	for range 3 * lasting.Minimum {
		require.ErrorIs(t, let.Do(t.Context(), mp.call), errDown)
	}
}

// Redis may go in the middle of a call, be silent, or forget all it knew: calls go on, and end as they end.
func TestAnUnavailableRedisHarmsNoCall(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			_, all := workers(t, stack, 1, quickest)
			b, server := all[0], stack.Process(devstack.Redis)
			b.fleet.store.AnswerTime = 100 * time.Millisecond
			require.NoError(t, b.Do(t.Context(), (&party{}).call))
			require.NoError(t, b.Do(t.Context(), func(context.Context) error { harm.Do(t, server); return nil }))

			answer := errors.New("an answer")
			require.ErrorIs(t, b.Do(t.Context(), func(context.Context) error { return answer }), answer)
			var mp party
			require.LessOrEqual(t, trip(t, &mp, b), int64(quickest.Minimum), "this process decides alone")
			mp.down.Store(false)
			require.Eventually(t, func() bool { return b.Do(t.Context(), mp.call) == nil && b.local.IsClosed() }, timeout, 10*time.Millisecond)

			var asked questions
			b.fleet.store.Client().AddHook(&asked)
			requireAdmitted(t, b, 200)
			require.Less(t, asked.Load(), int64(50), "Redis is left alone, so that its silence is not waited for each time")

			harm.Heal(t, server)
			require.Eventually(t, func() bool {
				return b.Do(t.Context(), mp.call) == nil && !b.fleet.store.Unavailable()
			}, timeout, 10*time.Millisecond, "the fleet's again")
		})
	}
}

func TestAForgetfulRedisStartsClosed(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	_, all := workers(t, stack, 2, quickest)
	var mp party
	trip(t, &mp, all[0])
	mp.down.Store(false)
	require.NoError(t, newClient(t, stack).FlushAll(t.Context()).Err())
	require.NoError(t, all[1].Do(t.Context(), mp.call))
}

// questions counts what a client asks of Redis.
type questions struct{ atomic.Int64 }

func (q *questions) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (q *questions) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error { q.Add(1); return next(ctx, cmd) }
}

func (q *questions) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// An outage that began while Redis was unavailable opened each process's own breaker, and these let too few calls through to be
// noticed by their number. Once Redis is available again the fleet's breaker opens all the same, and operators see it.
func TestAnOutageThatBeganWithoutRedisOpensTheFleetsBreaker(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 2, Config{Open: 50 * time.Millisecond, MaxOpen: 50 * time.Millisecond})
	mp := &party{}
	mp.down.Store(true)
	for _, b := range all {
		for range b.config.Minimum {
			require.True(t, b.local.TryAcquirePermit())
			b.local.RecordFailure()
		}
		require.True(t, b.local.IsOpen())
	}
	require.Eventually(t, func() bool {
		for _, b := range all {
			_ = b.Do(t.Context(), mp.call)
		}
		return all[0].last.Load().state == Open
	}, timeout, 10*time.Millisecond)
	require.Less(t, mp.calls.Load(), int64(all[0].config.Minimum))
}
