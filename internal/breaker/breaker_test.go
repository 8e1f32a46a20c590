package breaker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/payment"
)

const patience = 20 * time.Second

var (
	silent   = slog.New(slog.DiscardHandler)
	errDown  = &payment.Error{Kind: payment.Unavailable, Message: "no answer"}
	quickest = Config{Window: 10 * time.Second, Minimum: 10, Rate: 0.5, Open: 200 * time.Millisecond, MaxOpen: time.Second, Probes: 2, Lease: time.Second}
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// party is who is called: it fails or works, and counts.
type party struct {
	down  atomic.Bool
	calls atomic.Int64
}

func (p *party) call(context.Context) error {
	p.calls.Add(1)
	if p.down.Load() {
		return errDown
	}
	return nil
}

func newClient(t *testing.T, stack *devstack.Stack) *redis.Client {
	t.Helper()
	client, err := NewRedis(stack.RedisURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// workers makes one breaker as several processes hold it.
func workers(t *testing.T, stack *devstack.Stack, n int, c Config) (string, []*Breaker) {
	t.Helper()
	name := uuid.NewString()
	all := make([]*Breaker, n)
	for i := range all {
		all[i] = NewFleet(newClient(t, stack), string(rune('a'+i)), silent).Breaker(name, c)
	}
	return name, all
}

func isRefused(err error) bool {
	return payment.KindOf(err) == payment.Unavailable && payment.RetryAfter(err) > 0
}

// trip fails calls, taking turns, until one is refused, and says how many went out.
func trip(t *testing.T, down *party, all ...*Breaker) int64 {
	t.Helper()
	down.down.Store(true)
	before := down.calls.Load()
	for i := range 100 {
		if isRefused(all[i%len(all)].Do(t.Context(), down.call)) {
			return down.calls.Load() - before
		}
	}
	require.Fail(t, "the breaker never opened")
	return 0
}

func TestItOpensForTheWholeFleetAtTheMinimum(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 3, quickest)
	require.EqualValues(t, quickest.Minimum, trip(t, &party{}, all[0], all[1]))
	var other party
	require.True(t, isRefused(all[2].Do(t.Context(), other.call)), "a worker that has seen no failure")
	require.Zero(t, other.calls.Load())
}

func TestARateBelowTheThresholdDoesNotOpenIt(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 1, quickest)
	var up, down party
	down.down.Store(true)
	for range 30 {
		require.NoError(t, all[0].Do(t.Context(), up.call))
		require.NoError(t, all[0].Do(t.Context(), up.call))
		require.ErrorIs(t, all[0].Do(t.Context(), down.call), errDown)
	}
}

// What was refused with a reason is an answer: the party works. A wish for a pause and a caller who has
// gone say nothing about it.
func TestOnlyUnavailableIsAFailure(t *testing.T) {
	t.Parallel()
	for _, kind := range payment.Kinds() {
		_, all := workers(t, devstacktest.Shared(), 1, quickest)
		answer := &payment.Error{Kind: kind}
		for range 3 * quickest.Minimum {
			err := all[0].Do(t.Context(), func(context.Context) error { return answer })
			if kind != payment.Unavailable {
				require.Equal(t, error(answer), err, kind)
			}
		}
		require.Equal(t, kind == payment.Unavailable, isRefused(all[0].Do(t.Context(), (&party{}).call)), kind)
	}
	_, all := workers(t, devstacktest.Shared(), 1, quickest)
	for range 3 * quickest.Minimum {
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, all[0].Do(ctx, func(context.Context) error { cancel(); return errDown }), errDown)
	}
}

func TestHalfOpenLetsAFixedNumberThroughFleetWide(t *testing.T) {
	t.Parallel()
	name, all := workers(t, devstacktest.Shared(), 4, quickest)
	var mp party
	trip(t, &mp, all[0])
	awaitHalfOpen(t, name)

	mp.calls.Store(0)
	release := make(chan struct{})
	var group sync.WaitGroup
	var refused atomic.Int64
	for i := range 40 {
		group.Go(func() {
			err := all[i%4].Do(t.Context(), func(ctx context.Context) error {
				_ = mp.call(ctx)
				<-release
				return nil
			})
			if isRefused(err) {
				refused.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return refused.Load() == int64(40-quickest.Probes) }, patience, time.Millisecond)
	require.EqualValues(t, quickest.Probes, mp.calls.Load())
	close(release)
	group.Wait()
	requireAdmitted(t, all[0], 20) // closed again, without reserve, also where the failures were seen
}

// requireAdmitted makes n calls that all last until each of them is out.
func requireAdmitted(t *testing.T, b *Breaker, n int) {
	t.Helper()
	var out sync.WaitGroup
	out.Add(n)
	results := make(chan error, n)
	for range n {
		go func() {
			admitted := false
			err := b.Do(t.Context(), func(context.Context) error { admitted = true; out.Done(); out.Wait(); return nil })
			if !admitted {
				out.Done()
			}
			results <- err
		}()
	}
	for range n {
		require.NoError(t, <-results)
	}
}

// questions counts what a client asks of Redis.
type questions struct{ atomic.Int64 }

func (q *questions) DialHook(next redis.DialHook) redis.DialHook { return next }
func (q *questions) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { q.Add(1); return next(ctx, cmd) }
}
func (q *questions) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// awaitHalfOpen waits until the time is up by Redis's clock; nobody has asked yet.
func awaitHalfOpen(t *testing.T, name string) {
	t.Helper()
	client := newClient(t, devstacktest.Shared())
	require.Eventually(t, func() bool {
		until, err := client.HGet(t.Context(), keys(name)[0], "until").Int64()
		now, timeErr := client.Time(t.Context()).Result()
		return err == nil && timeErr == nil && now.UnixMilli() >= until
	}, patience, 5*time.Millisecond)
}

func TestItStaysOpenTwiceAsLongEachTimeUpToALimit(t *testing.T) {
	t.Parallel()
	name, all := workers(t, devstacktest.Shared(), 1, quickest)
	client := newClient(t, devstacktest.Shared())
	var mp party
	trip(t, &mp, all[0])
	var waits []int64
	for range 5 {
		fields := client.HMGet(t.Context(), keys(name)[0], "until", "since").Val()
		waits = append(waits, millis(fields[0].(string)).Sub(millis(fields[1].(string))).Milliseconds())
		awaitHalfOpen(t, name)
		before := mp.calls.Load()
		for range 10 {
			require.Error(t, all[0].Do(t.Context(), mp.call))
		}
		require.EqualValues(t, 1, mp.calls.Load()-before, "the first probe that fails ends the window")
	}
	require.Equal(t, []int64{200, 400, 800, 1000, 1000}, waits)
}

func TestAProbeWhoseWorkerDiedGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	c := quickest
	c.Probes, c.Lease = 1, 300*time.Millisecond
	name, all := workers(t, devstacktest.Shared(), 2, c)
	var mp party
	trip(t, &mp, all[0])
	awaitHalfOpen(t, name)
	_, ok := all[0].fleet.store.acquire(t.Context(), all[0]) // and never heard of again
	require.True(t, ok)
	mp.down.Store(false)
	require.True(t, isRefused(all[1].Do(t.Context(), mp.call)))
	require.Eventually(t, func() bool { return all[1].Do(t.Context(), mp.call) == nil }, patience, 10*time.Millisecond)
}

func TestOneWorkerWithABadLinkStopsOnlyItself(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 2, quickest)
	var mp, badLink party
	badLink.down.Store(true)
	refused := false
	for range 40 { // half of the fleet's calls fail, which is enough by their number alone
		require.NoError(t, all[1].Do(t.Context(), mp.call))
		refused = isRefused(all[0].Do(t.Context(), badLink.call)) || refused
	}
	require.True(t, refused, "it must stop calling")
	require.Less(t, badLink.calls.Load(), int64(20))

	badLink.down.Store(false)
	require.Eventually(t, func() bool { return all[0].Do(t.Context(), badLink.call) == nil }, patience, 10*time.Millisecond)
}

func TestAReportFromBeforeTheLastChangeIsIgnored(t *testing.T) {
	t.Parallel()
	name, all := workers(t, devstacktest.Shared(), 1, quickest)
	slow, began, finish := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		slow <- all[0].Do(t.Context(), func(context.Context) error { close(began); <-finish; return errDown })
	}()
	<-began
	var mp party
	trip(t, &mp, all[0])
	awaitHalfOpen(t, name)
	mp.down.Store(false)
	require.NoError(t, all[0].Do(t.Context(), mp.call))
	close(finish)
	require.ErrorIs(t, <-slow, errDown)
	require.NoError(t, all[0].Do(t.Context(), mp.call), "the window goes on")
}

func TestForcedOpenAndClosedAndFreeAgain(t *testing.T) {
	t.Parallel()
	name, all := workers(t, devstacktest.Shared(), 1, quickest)
	client := newClient(t, devstacktest.Shared())
	var mp party
	require.NoError(t, Force(t.Context(), client, name, Open, "ana", "maintenance"))
	require.True(t, isRefused(all[0].Do(t.Context(), mp.call)))
	require.Zero(t, mp.calls.Load())

	require.NoError(t, Force(t.Context(), client, name, Closed, "ana", "they say it is us"))
	mp.down.Store(true)
	for range 3 * quickest.Minimum {
		require.ErrorIs(t, all[0].Do(t.Context(), mp.call), errDown)
	}
	require.NoError(t, Force(t.Context(), client, name, "", "ana", ""))
	trip(t, &mp, all[0])
	require.Equal(t, payment.Invalid, payment.KindOf(Force(t.Context(), client, name, HalfOpen, "ana", "")))
}

func TestEveryChangeIsToldOnceWithItsPlaceInTheStatus(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	fleet := NewFleet(newClient(t, stack), "a", silent)
	var changes []State
	fleet.Changed = func(c Change) { changes = append(changes, c.From, c.To) }
	b := fleet.Breaker(Charge, quickest)
	var mp party
	trip(t, &mp, b)
	statuses, err := Statuses(t.Context(), newClient(t, stack))
	require.NoError(t, err)
	require.Len(t, statuses, len(Names()))
	require.Equal(t, Charge, statuses[0].Name)
	require.Equal(t, Open, statuses[0].State)
	require.Equal(t, 1, statuses[0].Openings)
	require.False(t, statuses[0].Until.IsZero())
	require.Equal(t, Closed, statuses[1].State)

	mp.down.Store(false)
	require.Eventually(t, func() bool { return b.Do(t.Context(), mp.call) == nil }, patience, 10*time.Millisecond)
	require.NoError(t, b.Do(t.Context(), mp.call))
	require.Equal(t, []State{Closed, Open, Open, HalfOpen, HalfOpen, Closed}, changes)
}

// Redis may go in the middle of a call, be silent, or forget all it knew: calls go on, and end as they end.
func TestRedisAwayHarmsNoCall(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]struct {
		do, heal func(*testing.T, *devstack.Process)
	}{
		"killed": {
			func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Kill()) },
			func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Restart(t.Context())) },
		},
		"silent": {
			func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Pause()) },
			func(t *testing.T, p *devstack.Process) { require.NoError(t, p.Resume()) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			_, all := workers(t, stack, 1, quickest)
			b, server := all[0], stack.Process(devstack.Redis)
			require.NoError(t, b.Do(t.Context(), (&party{}).call))
			require.NoError(t, b.Do(t.Context(), func(context.Context) error { harm.do(t, server); return nil }))

			answer := errors.New("an answer")
			require.ErrorIs(t, b.Do(t.Context(), func(context.Context) error { return answer }), answer)
			var mp party
			require.LessOrEqual(t, trip(t, &mp, b), int64(quickest.Minimum), "this process decides alone")
			mp.down.Store(false)
			require.Eventually(t, func() bool { return b.Do(t.Context(), mp.call) == nil && b.local.IsClosed() }, patience, 10*time.Millisecond)

			var asked questions
			b.fleet.store.client.AddHook(&asked)
			requireAdmitted(t, b, 200)
			require.Less(t, asked.Load(), int64(50), "Redis is left alone, so that its silence is not waited for each time")

			harm.heal(t, server)
			require.Eventually(t, func() bool {
				return b.Do(t.Context(), mp.call) == nil && b.fleet.store.retry.Load() == 0
			}, patience, 10*time.Millisecond, "the fleet's again")
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

// BenchmarkDo is what a breaker costs a call.
func BenchmarkDo(b *testing.B) {
	client, err := NewRedis(devstacktest.Shared().RedisURL())
	require.NoError(b, err)
	defer client.Close()
	guard := NewFleet(client, "a", silent).Breaker(uuid.NewString(), Config{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := guard.Do(context.Background(), func(context.Context) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
