package ratelimit

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// While Redis is down or silent every request is still decided, and each process applies the limits from what it knew.
func TestWithoutRedisEachProcessAppliesTheLimits(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			all := processes(t, stack, 2)
			group, limit, tight := uuid.NewString(), slow("a", 10), slow("b", 8)
			for range 4 {
				require.True(t, all[0].Take(t.Context(), group, limit, tight).Admitted)
			}
			for _, l := range all {
				l.store.AnswerTime = 80 * time.Millisecond
			}
			harm.Do(t, stack.Process(devstack.Redis))
			spend := func(l *Limiter, limits ...Limit) (n int) {
				for l.Take(t.Context(), group, limits...).Admitted {
					n++
				}
				return n
			}
			require.Equal(t, 4, spend(all[0], limit, tight), "it knows of the first four")
			require.True(t, all[0].store.Unavailable())
			require.Equal(t, 2, spend(all[0], limit), "refusals charged nothing")
			require.Equal(t, 8, spend(all[1], limit, tight), "the other process has seen no requests")

			harm.Heal(t, stack.Process(devstack.Redis))
			require.Eventually(t, func() bool { return !all[0].store.Unavailable() }, patient, 10*time.Millisecond)
			require.True(t, all[0].Take(t.Context(), uuid.NewString(), limit).Admitted)
		})
	}
}

func TestAFlushedRedisCountsFromZero(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	all := processes(t, stack, 2)
	group, limit := uuid.NewString(), slow("a", 3)
	for range 3 {
		require.True(t, all[0].Take(t.Context(), group, limit).Admitted)
	}
	require.NoError(t, all[0].store.Client().FlushAll(t.Context()).Err())
	require.True(t, all[1].Take(t.Context(), group, limit).Admitted)
	require.False(t, all[0].Take(t.Context(), group, limit).Admitted, "the process that refused remembers")
}
