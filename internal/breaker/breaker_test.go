package breaker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 20 * time.Second

var (
	silent   = slog.New(slog.DiscardHandler)
	errDown  = &failure.Error{Kind: failure.Unavailable, Message: "no answer"}
	quickest = Config{Window: 10 * time.Second, Minimum: 10, Rate: 0.5, Open: 200 * time.Millisecond, MaxOpen: time.Second, Probes: 2, Lease: time.Minute}
	lasting  = Config{Window: 10 * time.Second, Minimum: 10, Rate: 0.5, Open: time.Minute, MaxOpen: time.Minute, Probes: 2, Lease: time.Minute}
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// party is what is called: it fails or works, and counts.
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

// newFleet is one process's; it waits for Redis longer than a payment would, however busy the machine is.
func newFleet(t testing.TB, stack *devstack.Stack, worker string) *Fleet {
	t.Helper()
	store, err := redis.Open(stack.RedisURL(), silent)
	require.NoError(t, err)
	store.AnswerTime = timeout
	t.Cleanup(func() { _ = store.Close() })
	fleet := NewFleet(store, worker, silent)
	fleet.Audit = func(context.Context, audit.Entry) error { return nil }
	return fleet
}

func newClient(t *testing.T, stack *devstack.Stack) goredis.UniversalClient {
	t.Helper()
	return newFleet(t, stack, "client").store.Client()
}

// workers makes one breaker as several processes hold it.
func workers(t *testing.T, stack *devstack.Stack, n int, c Config) (string, []*Breaker) {
	t.Helper()
	name := uuid.NewString()
	all := make([]*Breaker, n)
	for i := range all {
		all[i] = newFleet(t, stack, string(rune('a'+i))).Breaker(name, c)
	}
	return name, all
}

func isRefused(err error) bool {
	return failure.KindOf(err) == failure.Unavailable && failure.RetryAfter(err) > 0
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
	_, all := workers(t, devstacktest.Shared(), 3, lasting)
	require.EqualValues(t, lasting.Minimum, trip(t, &party{}, all[0], all[1]))
	var other party
	require.True(t, isRefused(all[2].Do(t.Context(), other.call)), "a worker that has seen no failure")
	require.Zero(t, other.calls.Load())
}

// A fleet may have one worker, or one that has anything to do.
func TestOneWorkerThatAloneCallsSpeaksForTheFleet(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 2, lasting)
	require.EqualValues(t, lasting.Minimum, trip(t, &party{}, all[0]))
	var other party
	require.True(t, isRefused(all[1].Do(t.Context(), other.call)))
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

// What was refused with a reason is an answer: the party works. A wish for a pause and a caller that has
// gone say nothing about it.
func TestOnlyUnavailableIsAFailure(t *testing.T) {
	t.Parallel()
	for _, kind := range failure.Kinds() {
		_, all := workers(t, devstacktest.Shared(), 1, lasting)
		answer := &failure.Error{Kind: kind}
		for range 3 * lasting.Minimum {
			err := all[0].Do(t.Context(), func(context.Context) error { return answer })
			if kind != failure.Unavailable {
				require.Equal(t, error(answer), err, kind)
			}
		}
		require.Equal(t, kind == failure.Unavailable, isRefused(all[0].Do(t.Context(), (&party{}).call)), kind)
	}
	_, all := workers(t, devstacktest.Shared(), 1, lasting)
	for range 3 * lasting.Minimum {
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, all[0].Do(ctx, func(context.Context) error { cancel(); return errDown }), errDown)
		ctx, cancel = context.WithTimeout(t.Context(), 0) // less than the call was given
		require.ErrorIs(t, all[0].Do(ctx, func(context.Context) error { return errDown }), errDown)
		cancel()
	}
	require.False(t, all[0].fleet.store.Unavailable(), "a caller that is gone says nothing about Redis either")
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
	require.Eventually(t, func() bool { return refused.Load() == int64(40-quickest.Probes) }, timeout, time.Millisecond)
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

// awaitHalfOpen waits until the time is up by Redis's clock; no call was tried yet.
func awaitHalfOpen(t *testing.T, name string) {
	t.Helper()
	client := newClient(t, devstacktest.Shared())
	require.Eventually(t, func() bool {
		until, err := client.HGet(t.Context(), keys(name)[0], "until").Int64()
		now, timeErr := client.Time(t.Context()).Result()
		return err == nil && timeErr == nil && now.UnixMilli() >= until
	}, timeout, 5*time.Millisecond)
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
	_, ok := all[0].ask(t.Context()) // and it never reports
	require.True(t, ok)
	mp.down.Store(false)
	require.True(t, isRefused(all[1].Do(t.Context(), mp.call)))
	require.Eventually(t, func() bool { return all[1].Do(t.Context(), mp.call) == nil }, timeout, 10*time.Millisecond)
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
	require.Eventually(t, func() bool { return all[0].Do(t.Context(), badLink.call) == nil }, timeout, 10*time.Millisecond)
}

// The others see no failures: it does not matter that they have nothing to call just now.
func TestOneWorkerWithABadLinkStopsOnlyItselfWhileTheOthersRest(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 3, quickest)
	var mp, badLink party
	require.NoError(t, all[1].Do(t.Context(), mp.call))
	require.NoError(t, all[2].Do(t.Context(), mp.call))
	awaitNextSecond(t)
	trip(t, &badLink, all[0])
	require.NoError(t, all[1].Do(t.Context(), mp.call))
}

// What went well until a moment ago must not hide that all fails now.
func TestASuddenOutageOpensItAtTheMinimum(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 2, lasting) // it stays open however long a busy machine takes for a call
	var mp party
	for i := range 20 * lasting.Minimum {
		require.NoError(t, all[i%2].Do(t.Context(), mp.call))
	}
	awaitNextSecond(t)
	require.EqualValues(t, lasting.Minimum, trip(t, &mp, all...))
}

// awaitNextSecond waits until what was counted before is in another of the window's seconds.
func awaitNextSecond(t *testing.T) {
	t.Helper()
	client := newClient(t, devstacktest.Shared())
	now := client.Time(t.Context()).Val().Unix()
	require.Eventually(t, func() bool { return client.Time(t.Context()).Val().Unix() > now }, timeout, 5*time.Millisecond)
}

// A probe that ends without a decision was sent all the same: its place is not given to another in the same window.
func TestAWindowThatLearnsNothingIsNotExtended(t *testing.T) {
	t.Parallel()
	name, all := workers(t, devstacktest.Shared(), 2, quickest)
	client := newClient(t, devstacktest.Shared())
	var mp party
	trip(t, &mp, all[0])
	sent := 0
	for range 3 {
		awaitHalfOpen(t, name)
		sent = 0
		for i := range 10 * quickest.Probes {
			_ = all[i%2].Do(t.Context(), func(context.Context) error {
				sent++
				return &failure.Error{Kind: failure.Limited}
			})
			if client.HGet(t.Context(), keys(name)[0], "state").Val() == string(Open) {
				break
			}
		}
		require.Equal(t, quickest.Probes, sent)
		fields := client.HMGet(t.Context(), keys(name)[0], "until", "since").Val()
		require.Equal(t, quickest.Open, millis(fields[0].(string)).Sub(millis(fields[1].(string))), "and counts for nothing")
	}
	mp.down.Store(false)
	require.Eventually(t, func() bool { return all[1].Do(t.Context(), mp.call) == nil }, timeout, 10*time.Millisecond)
}

func TestARefusalIsKnownForAMomentWithoutAsking(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 2, lasting)
	require.NoError(t, all[0].Shut())
	require.True(t, all[0].Steady())
	trip(t, &party{}, all[0])
	require.True(t, isRefused(all[0].Shut()))
	require.False(t, all[0].Steady())
	require.NoError(t, all[1].Shut(), "it does not know yet")
	require.Eventually(t, func() bool { return all[0].Shut() == nil }, timeout, 10*time.Millisecond, "an operator may have closed it")
	require.False(t, all[0].Steady())
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

// BenchmarkDo is what a breaker costs a call.
func BenchmarkDo(b *testing.B) {
	guard := newFleet(b, devstacktest.Shared(), "a").Breaker(uuid.NewString(), Config{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := guard.Do(context.Background(), func(context.Context) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A party that is asked for something that another party has named is not blamed when it does not have it.
func TestAFailureThatIsNoEvidenceOpensNothing(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 1, lasting)
	var mp party
	mp.down.Store(true)
	for range 3 * lasting.Minimum {
		require.ErrorIs(t, all[0].Try(t.Context(), mp.call), errDown)
	}
	require.True(t, all[0].Steady())
	trip(t, &mp, all[0])
	require.True(t, isRefused(all[0].Try(t.Context(), mp.call)), "but it is not asked while the breaker is open")
}
