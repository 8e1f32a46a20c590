package devstack

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A master that is gone is replaced by its replica, the keys of all three can be written again, and the old one comes back as a
// replica. What one start of a folder has left does not hinder the next.
func TestAClusterReplacesAMaster(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Services: []Service{Redis}, RedisCluster: true, Ports: Ports{Postgres: 1}} // none preferred
	for _, lost := range []Service{RedisNode1, RedisNode3} {
		stack, err := Start(t.Context(), o)
		require.NoError(t, err)
		defer func() { require.NoError(t, stack.Stop()) }()
		require.Nil(t, stack.Process(Redis))
		require.ElementsMatch(t, RedisNodes()[:clusterMasters], stack.RedisMasters(t.Context()))
		options, err := goredis.ParseClusterURL(clusterSeeds(stack))
		require.NoError(t, err)
		options.ClusterStateReloadInterval = time.Second // it finds out by itself that a node is gone
		client := goredis.NewClusterClient(options)
		defer client.Close()
		writes := func() error { // to all masters
			var errs []error
			for n := range 100 {
				errs = append(errs, client.Set(t.Context(), fmt.Sprint("key-", n), n, 0).Err())
			}
			return errors.Join(errs...)
		}
		require.NoError(t, writes())

		require.NoError(t, stack.Process(lost).Kill())
		require.Eventually(t, func() bool {
			masters := stack.RedisMasters(t.Context())
			return len(masters) == clusterMasters && !slices.Contains(masters, lost) && writes() == nil
		}, time.Minute, 50*time.Millisecond)

		require.NoError(t, stack.Process(lost).Restart(t.Context()))
		require.Eventually(t, func() bool { return stack.RedisClusterWhole(t.Context()) == nil }, time.Minute, 50*time.Millisecond)
		require.NotContains(t, stack.RedisMasters(t.Context()), lost)
		require.NoError(t, stack.Stop())
	}
}

func clusterSeeds(s *Stack) string { return fmt.Sprintf("redis://127.0.0.1:%d", s.redis.cluster[1]) }
