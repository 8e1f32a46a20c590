package providerlimit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Whatever becomes of Redis, a call goes out, within this worker's share.
func TestAnUnavailableRedisLeavesEachWorkerItsShare(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rate = 1000
			stack := devstacktest.Start(t, devstack.Redis)
			all := workers(t, stack, 4, rate)
			for range 2 { // the first has not seen the others when it asks first
				for _, b := range all {
					b.present.Store(0) // a second later
					require.True(t, b.now(t, payment.ForCharge))
				}
			}
			for _, b := range all {
				b.store.AnswerTime = 80 * time.Millisecond
			}
			harm.Do(t, stack.Process(devstack.Redis))
			require.NoError(t, all[0].Take(t.Context(), a(payment.ForCharge)))
			require.True(t, all[0].store.Unavailable())

			began := time.Now()
			sweeps, charges := all[0].spend(t, payment.ForSweep), all[0].spend(t, payment.ForCharge)
			gained := time.Since(began).Seconds()*rate/4 + 2
			require.InDelta(t, 0.15*rate/4, sweeps, gained)
			require.InDelta(t, 0.4*rate/4, charges, gained)

			all[0].Pause(t.Context(), time.Minute)
			require.Equal(t, failure.Limited, failure.KindOf(all[0].Take(t.Context(), a(payment.ForCharge))), "a pause it knows of itself")

			harm.Heal(t, stack.Process(devstack.Redis))
			require.Eventually(t, func() bool { return !all[0].store.Unavailable() }, timeout, 10*time.Millisecond)
			require.Equal(t, failure.Limited, failure.KindOf(all[0].Take(t.Context(), a(payment.ForCharge))))
			require.NoError(t, all[1].Take(t.Context(), a(payment.ForCharge)), "and the others do not")
		})
	}
}

func TestAForgetfulRedisStartsAnew(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	all := workers(t, stack, 2, slow)
	all[0].spend(t, payment.ForCharge)
	all[0].Pause(t.Context(), time.Minute)
	require.NoError(t, all[0].store.Client().FlushAll(t.Context()).Err())
	require.True(t, all[1].now(t, payment.ForCharge))
	require.False(t, all[0].now(t, payment.ForCharge), "a worker that knows of the pause remembers it")
}
