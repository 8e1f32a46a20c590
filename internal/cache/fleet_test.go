package cache_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/providerlimit"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

var silent = slog.New(slog.DiscardHandler)

// abilities is all that one process has in Redis.
type abilities struct {
	store   *redis.Store
	copies  *cache.Payments
	fleet   *breaker.Fleet
	breaker *breaker.Breaker
	limit   *providerlimit.Limit
	limiter *ratelimit.Limiter
}

func open(t *testing.T, url string) *abilities {
	t.Helper()
	store, err := redis.Open(url, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	fleet := breaker.NewFleet(store, "a", silent)
	fleet.Audit = func(context.Context, audit.Entry) error { return nil }
	return &abilities{
		store: store, copies: cache.New(store, time.Minute), fleet: fleet,
		breaker: fleet.Breaker("charge", breaker.Config{}), limit: providerlimit.New(store, "mercadopago", "a", 1_000_000, silent),
		limiter: ratelimit.New(store),
	}
}

// use makes one call of each, and says what failed.
func (a *abilities) use(ctx context.Context) error {
	if err := a.breaker.Do(ctx, func(context.Context) error { return nil }); err != nil {
		return fmt.Errorf("breaker: %w", err)
	}
	if err := a.limit.Take(ctx, providerlimit.Call{Urgency: payment.ForCharge, Name: uuid.NewString()}); err != nil {
		return fmt.Errorf("provider rate limit: %w", err)
	}
	limits := []ratelimit.Limit{
		{Name: "reads-client", Quota: 1_000_000, Window: time.Second},
		{Name: "reads-key", Key: "k", Quota: 1_000_000, Window: time.Second},
	}
	if !a.limiter.Take(ctx, "shop", limits...).Admitted {
		return fmt.Errorf("limiter: refused")
	}
	id := uuid.NewString()
	for range 2 {
		p, _, err := a.copies.Payment(ctx, id, func(context.Context, string) (payment.Payment, error) {
			return payment.Payment{ID: id, Version: 1}, nil
		})
		if err != nil || p.ID != id || p.Version != 1 {
			return fmt.Errorf("cache: %v, %w", p, err)
		}
	}
	return nil
}

// callOften makes calls of all kinds until noneFailed, which requires that none has.
func callOften(t *testing.T, a *abilities) (calls *atomic.Int64, noneFailed func()) {
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	calls = &atomic.Int64{}
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for ; ctx.Err() == nil; calls.Add(1) {
				if err := a.use(context.WithoutCancel(ctx)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return calls, func() { stop(); require.NoError(t, group.Wait()) }
}

// While Redis fails over, once on command and once because its master is gone, no call of any kind fails, and
// afterwards all are counted together again.
func TestNoCallFailsWhileRedisFailsOver(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartWithSentinels(t)
	a := open(t, stack.RedisURL())
	calls, noneFailed := callOften(t, a)
	goesOn := func(master devstack.Service) {
		before := calls.Load()
		require.Eventually(t, func() bool {
			now, err := stack.RedisMaster(t.Context())
			return err == nil && now == master && !a.store.Unavailable() && calls.Load() > before+100 && a.store.Client().Set(t.Context(), "it", "writes", 0).Err() == nil
		}, time.Minute, 50*time.Millisecond)
	}
	goesOn(devstack.Redis)
	require.NoError(t, stack.FailOverRedis(t.Context()))
	goesOn(devstack.RedisReplica)
	require.Eventually(t, func() bool { // there is a replica to be promoted again
		return a.store.Client().InfoMap(t.Context(), "replication").Item("Replication", "connected_slaves") == "1"
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, stack.Process(devstack.RedisReplica).Kill())
	goesOn(devstack.Redis)
	noneFailed()
}

// A cluster refuses a script whose keys are not all in one slot.
func TestEachScriptsKeysAreInOneSlotOfACluster(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	a := open(t, stack.RedisURL())
	two := goredis.NewScript("return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])}")
	require.Eventually(t, func() bool { // on a busy machine the nodes may take one another for lost
		err := two.Run(t.Context(), a.store.Client(), []string{"a", "b"}).Err()
		return err != nil && strings.Contains(err.Error(), "CROSSSLOT")
	}, time.Minute, 50*time.Millisecond, "it is one that does")

	a.store.AnswerTime = time.Minute
	for range 20 {
		require.NoError(t, a.use(t.Context()))
	}
	a.limit.Pause(t.Context(), time.Millisecond)
	require.NoError(t, a.fleet.Force(t.Context(), audit.Actor{Name: "ana"}, "charge", breaker.Setting{To: breaker.Open, Reason: "a test"}))
	_, err := a.fleet.Statuses(t.Context())
	require.NoError(t, err)
	require.False(t, a.store.Unavailable(), "none was refused")
}

// While a cluster loses one of its masters no call of any kind fails, and afterwards all are counted together again.
func TestNoCallFailsWhileAClusterLosesANode(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	a := open(t, stack.RedisURL())
	calls, noneFailed := callOften(t, a)
	goesOn := func() {
		before := calls.Load()
		require.Eventually(t, func() bool { return calls.Load() > before+100 && !a.store.Unavailable() }, time.Minute, 50*time.Millisecond)
	}
	goesOn()
	lost, err := stack.RedisMasterOf(t.Context(), "onlywave:budget:{mercadopago}:level")
	require.NoError(t, err)
	require.NoError(t, stack.Process(lost).Kill())
	require.Eventually(t, a.store.Unavailable, time.Minute, time.Millisecond, "it is felt")
	goesOn()
	require.NoError(t, stack.Process(lost).Restart(t.Context()))
	require.Eventually(t, func() bool { return stack.RedisClusterWhole(t.Context()) == nil }, time.Minute, 50*time.Millisecond)
	goesOn()
	noneFailed()
}
