package breaker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// In a cluster the breakers are on several nodes, and each is the whole fleet's. One whose node is lost is each process's own until
// another node has taken over; the others are not touched by that.
func TestInACluster(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	holders := map[devstack.Service][]*Breaker{}
	for len(holders) < 3 { // names are random: until each master holds one
		name, all := workers(t, stack, 3, lasting)
		holder, err := stack.RedisMasterOf(t.Context(), keys(name)[0])
		require.NoError(t, err)
		require.EqualValues(t, lasting.Minimum, trip(t, &party{}, all[0], all[1]))
		var other party
		require.True(t, isRefused(all[2].Do(t.Context(), other.call)), "a worker that has seen no failure")
		require.Zero(t, other.calls.Load())
		holders[holder] = append(holders[holder], newFleet(t, stack, "d").Breaker(name, lasting))
	}
	fleet := newFleet(t, stack, "operator")
	for _, name := range Names() {
		require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, name, Setting{To: Open, Reason: "maintenance"}))
	}
	all, err := fleet.Statuses(t.Context())
	require.NoError(t, err)
	for _, s := range all {
		require.Equal(t, Open, s.Forced, s.Name)
	}

	lost, err := stack.RedisMasterOf(t.Context(), keys(Charge)[0])
	require.NoError(t, err)
	require.NoError(t, stack.Process(lost).Kill())
	for holder, breakers := range holders {
		for _, b := range breakers {
			b.fleet.store.AnswerTime = time.Second
			if holder != lost {
				require.True(t, isRefused(b.Do(t.Context(), (&party{}).call)), "its node is there")
				require.False(t, b.fleet.store.Unavailable())
			}
		}
	}
	require.Eventually(t, func() bool {
		for _, b := range holders[lost] {
			if b.Do(t.Context(), (&party{}).call) == nil && !b.fleet.store.Unavailable() {
				return false // the fleet's breaker is open, so it was asked
			}
		}
		s, err := fleet.Status(t.Context(), Charge)
		return err == nil && s.Forced == Open
	}, time.Minute, 50*time.Millisecond, "what the replica has is what was there")
	require.Contains(t, metricstest.Text(t, fleet.Collectors()...), `onlywave_breaker_state{breaker="read",state="open"} 1`)
}
