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

// In a cluster, too, a limit is the fleet's, whichever node holds it; when that one is lost each worker has its part, and when
// another has taken over it is the fleet's again.
func TestInACluster(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	holders := map[devstack.Service][]*Limit{}
	for len(holders) < 3 { // names are random: until each master holds one
		all := workers(t, stack, 2, slow)
		holder, err := stack.RedisMasterOf(t.Context(), all[0].keys()[0])
		require.NoError(t, err)
		began := time.Now()
		admitted := all[0].spend(t, payment.ForCharge) + all[1].spend(t, payment.ForCharge)
		require.InDelta(t, slow/2, admitted, time.Since(began).Seconds()*slow+1, "its share and what no urgency has a share of")
		holders[holder] = all
	}
	for lost, all := range holders {
		all[0].present.Store(0) // a second later it is counted anew, and sees the other
		_, _ = all[0].ask(t.Context(), a(payment.ForSweep))
		require.NoError(t, stack.Process(lost).Kill())
		all[0].store.AnswerTime = time.Second
		require.NoError(t, all[0].Take(t.Context(), a(payment.ForCharge)))
		require.Equal(t, 2, all[0].local.workers, "it has seen the other")
		require.Eventually(t, func() bool {
			_, _ = all[0].ask(t.Context(), a(payment.ForSweep))
			return !all[0].store.Unavailable()
		}, time.Minute, 50*time.Millisecond)
		all[0].Pause(t.Context(), time.Minute)
		require.Eventually(t, func() bool {
			return failure.KindOf(all[1].Take(t.Context(), a(payment.ForCharge))) == failure.Limited
		}, time.Minute, 50*time.Millisecond, "a pause is for all workers")
		break
	}
}
