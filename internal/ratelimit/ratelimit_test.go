package ratelimit

import (
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const patient = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

// processes returns the limiters of several processes on one Redis. They wait for it however busy the machine is.
func processes(t testing.TB, stack *devstack.Stack, n int) []*Limiter {
	t.Helper()
	all := make([]*Limiter, n)
	for i := range all {
		store, err := redis.Open(stack.RedisURL(), silent)
		require.NoError(t, err)
		store.AnswerTime = patient
		t.Cleanup(func() { _ = store.Close() })
		all[i] = New(store)
	}
	return all
}

// slow is a limit whose backlog does not shrink during a test.
func slow(name string, quota int) Limit {
	return Limit{Name: name, Quota: quota, Window: time.Duration(quota) * time.Hour}
}

// In Redis, too, several limits admit all or nothing, in every process.
func TestRedisChargesAllOrNothing(t *testing.T) {
	t.Parallel()
	all := processes(t, devstacktest.Shared(), 2)
	rapid.Check(t, func(rt *rapid.T) {
		group := uuid.NewString()
		limits := []Limit{slow("a", 3), slow("b", 5), slow("a", 2)}
		limits[2].Key = "k"
		used := make([]int, len(limits))
		for range 15 {
			chosen := rapid.SampledFrom([][]int{{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}}).Draw(rt, "limits")
			process := rapid.IntRange(0, 1).Draw(rt, "process")
			fits, asked := true, []Limit{}
			for _, i := range chosen {
				asked = append(asked, limits[i])
				fits = fits && used[i] < limits[i].Quota
			}
			v := all[process].Take(t.Context(), group, asked...)
			require.Equal(rt, fits, v.Admitted)
			require.Equal(rt, fits, v.RetryAfter == 0)
			for n, i := range chosen {
				if fits {
					used[i]++
					require.Equal(rt, limits[i].Quota-used[i], v.States[n].Remaining)
				}
			}
			for _, s := range v.States {
				require.True(rt, fits || s.Remaining == 0, "a refusal names only the limits that refuse")
			}
		}
	})
}

// Two processes together admit as many requests as the limit says, and as many as an independent limiter does.
func TestTwoProcessesAdmitWhatAnIndependentLimiterDoes(t *testing.T) {
	t.Parallel()
	all := processes(t, devstacktest.Shared(), 2)
	oracle := redis_rate.NewLimiter(all[0].store.Client())
	const quota = 50
	for _, window := range []time.Duration{time.Second, 500 * time.Millisecond} {
		name := uuid.NewString()
		limit := Limit{Name: "oracle", Quota: quota, Window: window}
		ours, theirs := 0, 0
		began := time.Now()
		for i := 0; time.Since(began) < 4*window; i++ {
			if all[i%2].Take(t.Context(), name, limit).Admitted {
				ours++
			}
			answer, err := oracle.Allow(t.Context(), name, redis_rate.Limit{Rate: quota, Burst: quota, Period: window})
			require.NoError(t, err)
			theirs += answer.Allowed
		}
		most := quota + int(time.Since(began)/limit.gap()) + 1
		require.LessOrEqual(t, ours, most)
		require.InDelta(t, theirs, ours, quota/5, "the two are asked one after the other")
	}
}

func TestManyAtOnceSpendOneQuota(t *testing.T) {
	t.Parallel()
	all := processes(t, devstacktest.Shared(), 2)
	group := uuid.NewString()
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if all[i%2].Take(t.Context(), group, slow("a", 100), slow("b", 60)).Admitted {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 60, admitted.Load())
	v := all[0].Take(t.Context(), group, slow("a", 100))
	require.Equal(t, 39, v.States[0].Remaining, "what b refused was not charged to a")
}

func TestNoQuotaIsNoLimit(t *testing.T) {
	t.Parallel()
	l := processes(t, devstacktest.Shared(), 1)[0]
	require.Equal(t, Decision{Admitted: true}, l.Take(t.Context(), "any"))
	require.Equal(t, Decision{Admitted: true}, l.Take(t.Context(), "any", Limit{Name: "off", Window: time.Second}))
	_, refuses := l.Refuses("any", Limit{Name: "off", Window: time.Second})
	require.False(t, refuses)
}

// A process that knows of a refusal does not ask Redis until there is room again; what other processes spent it learns by asking.
func TestAFloodCostsRedisNothing(t *testing.T) {
	t.Parallel()
	all := processes(t, devstacktest.Shared(), 2)
	group, limit := uuid.NewString(), slow("a", 2)
	for range 2 {
		require.True(t, all[0].Take(t.Context(), group, limit).Admitted)
	}
	v, refuses := all[0].Refuses(group, limit)
	require.True(t, refuses)
	require.InDelta(t, time.Hour, v.RetryAfter, float64(time.Minute))
	_, refuses = all[1].Refuses(group, limit)
	require.False(t, refuses, "it has not asked yet")
	require.False(t, all[1].Take(t.Context(), group, limit).Admitted)

	require.NoError(t, all[1].store.Client().Close()) // from here on Redis cannot be asked
	v = all[1].Take(t.Context(), group, limit)
	require.False(t, v.Admitted)
	require.False(t, all[1].store.Unavailable())
}

// The keys of one call are in one slot of a cluster and expire, and each subject has its own.
func TestKeysInRedis(t *testing.T) {
	t.Parallel()
	l := processes(t, devstacktest.Shared(), 1)[0]
	group, redis := uuid.NewString(), l.store.Client()
	own := Limit{Name: "a", Key: "k", Quota: 10, Window: 10 * time.Minute}
	l.Take(t.Context(), group, own, Limit{Name: "a", Quota: 10, Window: 10 * time.Minute})
	keys, err := redis.Keys(t.Context(), "*"+group+"*").Result()
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"onlywave:limit:{" + group + "}:a:k", "onlywave:limit:{" + group + "}:a"}, keys)
	for _, key := range keys {
		left, err := redis.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Greater(t, left, time.Duration(0))
		require.LessOrEqual(t, left, time.Minute, "as long as the backlog")
	}
	other := own
	other.Key = "another"
	require.Equal(t, 9, l.Take(t.Context(), group, other).States[0].Remaining)
	require.Equal(t, 9, l.Take(t.Context(), strconv.Quote(group), own).States[0].Remaining)
}
