package ratelimit

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// In a cluster, too, all processes count together, on every node. When a node is lost, its limits still apply in each process.
func TestInACluster(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	all := processes(t, stack, 2)
	groups := map[devstack.Service]string{}
	for len(groups) < 3 { // names are random: until each master holds one
		group := uuid.NewString()
		own := slow("a", 3)
		own.Key = "k"
		for i := range 3 {
			require.True(t, all[i%2].Take(t.Context(), group, own, slow("b", 5)).Admitted)
		}
		require.False(t, all[1].Take(t.Context(), group, own, slow("b", 5)).Admitted)
		require.Equal(t, 1, all[0].Take(t.Context(), group, slow("b", 5)).States[0].Remaining)
		holder, err := stack.RedisMasterOf(t.Context(), "onlywave:limit:{"+group+"}:b")
		require.NoError(t, err)
		groups[holder] = group
	}

	for lost, group := range groups {
		require.NoError(t, stack.Process(lost).Kill())
		all[0].store.AnswerTime = time.Second
		require.True(t, all[0].Take(t.Context(), group, slow("b", 5)).Admitted)
		require.False(t, all[0].Take(t.Context(), group, slow("b", 5)).Admitted, "it knew how many there were")
		require.True(t, all[0].Take(t.Context(), group, slow("c", 5)).Admitted)
		for holder, other := range groups {
			if holder != lost {
				require.Equal(t, 0, all[0].Take(t.Context(), other, slow("b", 5)).States[0].Remaining)
				require.False(t, all[1].Take(t.Context(), other, slow("b", 5)).Admitted, "counted together")
			}
		}
		break
	}
}
