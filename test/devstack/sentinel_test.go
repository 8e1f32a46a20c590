package devstack

import (
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A fail-over that is asked for, and one that the Sentinels find to be due by themselves: what was written is there after
// both, and the old master comes back as a replica.
func TestSentinelsPromoteTheReplica(t *testing.T) {
	t.Parallel()
	stack, err := Start(t.Context(), Options{Services: []Service{Redis}, Sentinels: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, stack.Stop()) }()
	options, err := goredis.ParseFailoverURL(stack.RedisURL())
	require.NoError(t, err)
	client := goredis.NewFailoverClient(options)
	defer client.Close()
	nodes := []*goredis.Client{goredis.NewClient(&goredis.Options{Addr: address(stack.ports.Redis)}), goredis.NewClient(&goredis.Options{Addr: address(stack.redis.replica)})}
	for _, n := range nodes {
		defer n.Close()
	}
	written := func(value string) { // again and again: an old master takes writes until the Sentinels demote it, and then loses them
		require.Eventually(t, func() bool {
			for _, n := range nodes {
				if n.Get(t.Context(), "key").Val() != value {
					client.Set(t.Context(), "key", value, 0)
					return false
				}
			}
			return true
		}, time.Minute, 100*time.Millisecond)
	}
	master := func() Service {
		now, err := stack.RedisMaster(t.Context())
		require.NoError(t, err)
		return now
	}
	require.Equal(t, Redis, master())
	for _, port := range stack.redis.sentinels {
		require.NoError(t, withSentinel(port, func(c *goredis.SentinelClient) error {
			known, err := c.Master(t.Context(), redisMaster).Result()
			require.Equal(t, "2000", known["down-after-milliseconds"])
			require.Equal(t, "8000", known["failover-timeout"])
			return err
		}))
	}
	written("first")

	require.NoError(t, stack.FailOverRedis(t.Context()))
	require.Equal(t, RedisReplica, master())
	require.Eventually(t, func() bool { return client.Get(t.Context(), "key").Val() == "first" }, time.Minute, 50*time.Millisecond)
	written("second")

	require.NoError(t, stack.Process(RedisReplica).Kill())
	require.Eventually(t, func() bool { return master() == Redis }, time.Minute, 50*time.Millisecond)
	require.Eventually(t, func() bool { return client.Get(t.Context(), "key").Val() == "second" }, time.Minute, 50*time.Millisecond)

	require.NoError(t, stack.Process(RedisReplica).Restart(t.Context()))
	written("third")
	require.Equal(t, Redis, master())
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// A folder in which Redis was failed over is started on again, with the first master.
func TestSentinelsStartAgain(t *testing.T) {
	t.Parallel()
	o := Options{Dir: t.TempDir(), Services: []Service{Redis}, Sentinels: true, Ports: Ports{Postgres: 1}} // none preferred
	for range 2 {
		stack, err := Start(t.Context(), o)
		require.NoError(t, err)
		master, err := stack.RedisMaster(t.Context())
		require.NoError(t, err)
		require.Equal(t, Redis, master)
		require.NoError(t, errors.Join(stack.FailOverRedis(t.Context()), stack.Stop()))
	}
}
