package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/payment"
)

// Whatever becomes of Redis, a call goes out, within this worker's share.
func TestRedisAwayLeavesEachWorkerItsShare(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rate = 1000
			stack := devstacktest.Start(t, devstack.Redis)
			all := workers(t, stack, 4, rate)
			for range 2 { // the first has not seen the others when it asks first
				for _, b := range all {
					require.True(t, b.now(t, Buyer))
				}
			}
			for _, b := range all {
				b.store.AnswerTime = 80 * time.Millisecond
			}
			harm.Do(t, stack.Process(devstack.Redis))
			require.NoError(t, all[0].Take(t.Context(), Buyer))
			require.True(t, all[0].store.Away())

			began := time.Now()
			sweeps, buyers := all[0].spend(t, Sweep), all[0].spend(t, Buyer)
			gained := time.Since(began).Seconds()*rate/4 + 2
			require.InDelta(t, rate/8, sweeps, gained)
			require.InDelta(t, rate/8, buyers, gained)

			all[0].Pause(t.Context(), time.Minute)
			require.Equal(t, payment.Limited, payment.KindOf(all[0].Take(t.Context(), Buyer)), "a pause it knows of itself")

			harm.Heal(t, stack.Process(devstack.Redis))
			require.Eventually(t, func() bool { return !all[0].store.Away() }, patient, 10*time.Millisecond)
			require.Equal(t, payment.Limited, payment.KindOf(all[0].Take(t.Context(), Buyer)))
			require.NoError(t, all[1].Take(t.Context(), Buyer), "and the others do not")
		})
	}
}

func TestAForgetfulRedisStartsAnew(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	all := workers(t, stack, 2, slow)
	all[0].spend(t, Buyer)
	all[0].Pause(t.Context(), time.Minute)
	require.NoError(t, all[0].store.Client().FlushAll(t.Context()).Err())
	require.True(t, all[1].now(t, Buyer))
	require.False(t, all[0].now(t, Buyer), "who was told to pause remembers it")
}
