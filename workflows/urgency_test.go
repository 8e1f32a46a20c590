package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// The urgency of a look goes with it to the provider rate limit, and decides its priority on the queue: a buyer without an answer
// before news, and news before a poll.
func TestALookHasItsUrgency(t *testing.T) {
	t.Parallel()
	twice := func(try int) error { // so that each look becomes an activity
		if try%2 == 1 {
			return transient(failure.Limited)
		}
		return nil
	}
	w := &fakeActivities{look: twice}
	env := newEnv(t, w)
	post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err) })
	signal(env, polls.First/2, func() {})                                // news, of which there are none
	signal(env, polls.First*3, func() { w.provider = payment.Approved }) // after a poll
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Contains(t, w.looked, payment.ForNews)
	require.Contains(t, w.looked, payment.ForSweep)

	unknown := activities.State{Found: true, Status: payment.Unknown, Method: payment.Pix, Money: creation().Request.Amount}
	w = &fakeActivities{row: unknown, look: twice}
	env = newEnv(t, w)
	signal(env, time.Second, func() { w.provider = payment.Approved })
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Urgency{payment.ForBuyer}, w.looked)
}

// Temporal's priorities are the urgencies, see the recorded histories.
func TestPrioritiesAreUrgencies(t *testing.T) {
	t.Parallel()
	for i, u := range payment.Urgencies() {
		require.Equal(t, i+1, priority(u).PriorityKey)
	}
}

// A client app may have a longer name than Temporal takes, and its payments must start all the same.
func TestEachClientAppHasAFairnessKeyThatTemporalTakes(t *testing.T) {
	t.Parallel()
	require.Equal(t, temporal.Priority{PriorityKey: int(payment.ForCharge), FairnessKey: "shop"}, fairly(payment.ForCharge, "shop"))
	ends := map[string]bool{}
	for _, name := range []string{strings.Repeat("a", payment.MaxName), strings.Repeat("ç", payment.MaxName), strings.Repeat("ç", payment.MaxName-1) + "a"} {
		require.Empty(t, payment.NameFault(name))
		key := fairnessKey(name)
		require.LessOrEqual(t, len(key), longestKey)
		ends[key] = true
	}
	require.Len(t, ends, 3)
}
