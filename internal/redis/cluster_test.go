package redis

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// The form of the address says what is there.
func TestTheAddressSaysWhatIsThere(t *testing.T) {
	t.Parallel()
	cluster := (*goredis.ClusterClient)(nil)
	single := (*goredis.Client)(nil)
	for address, want := range map[string]goredis.UniversalClient{
		"redis://h/0":                              single,
		"redis://:password@h:6380/3":               single,
		"rediss://user:p,w@h:6380/3":               single,
		"redis://s:26379/0?master_name=onlywave":   single,
		"redis://s1:1,s2:2,s3/0?master_name=shop":  single,
		"redis://n1:6379,n2:6379,n3/":              cluster,
		"redis://user:password@n1,n2":              cluster,
		"rediss://n1:6379?cluster=true&addr=n2:79": cluster,
		"redis://n1/0?cluster=true":                cluster,
	} {
		client, err := newClient(address)
		require.NoError(t, err, address)
		require.IsType(t, want, client, address)
		require.NoError(t, client.Close())
	}
	for _, address := range []string{
		"", "h:6379", "http://h:6379", "redis://n1,n2/3", "redis://n1/7?cluster=true", "redis://h?unknown=1", "redis://n1:x,n2", "redis://h/0?addr=h2:6379",
	} {
		_, err := Open(address, silent)
		require.EqualError(t, err, badAddress, address)
	}
}

// keysOf finds a key of each master.
func keysOf(t *testing.T, stack *devstack.Stack) map[devstack.Service]string {
	t.Helper()
	keys := map[devstack.Service]string{}
	for n := 0; len(keys) < 3; n++ {
		key := fmt.Sprint("key-", n)
		holder, err := stack.RedisMasterOf(t.Context(), key)
		require.NoError(t, err)
		keys[holder] = key
	}
	return keys
}

func (s *Store) asks(t *testing.T, key string) bool {
	t.Helper()
	_, ok := s.Ask(t.Context(), write, []string{key}, "value")
	return ok
}

// While one master is gone, what the others hold is asked of them, and what it held is decided by the process, at the price of
// one answer's time; when its replica has taken over that one is asked.
func TestOneLostMasterIsNotTheWholeCluster(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.StartCluster(t)
			s := open(t, stack.RedisURL())
			s.AnswerTime = time.Second
			keys := keysOf(t, stack)
			require.Eventually(t, func() bool {
				return s.asks(t, keys[devstack.RedisNode1]) && s.asks(t, keys[devstack.RedisNode2]) && s.asks(t, keys[devstack.RedisNode3])
			}, timeout, 10*time.Millisecond)
			require.False(t, s.Unavailable())

			lost := keys[devstack.RedisNode2]
			harm.Do(t, stack.Process(devstack.RedisNode2))
			require.False(t, s.asks(t, lost))
			require.True(t, s.Unavailable())
			require.True(t, s.UnavailableFor(t.Context(), lost))
			for _, key := range []string{keys[devstack.RedisNode1], keys[devstack.RedisNode3]} {
				require.False(t, s.UnavailableFor(t.Context(), key))
				require.True(t, s.asks(t, key), "it is there")
			}
			began := time.Now()
			for range 10_000 {
				if s.asks(t, lost) {
					break // the replica was quick
				}
			}
			require.Less(t, time.Since(began), 10*time.Second, "of ten thousand, few have waited")

			require.Eventually(t, func() bool { return s.asks(t, lost) && !s.Unavailable() }, time.Minute, 10*time.Millisecond)
			require.NotContains(t, stack.RedisMasters(t.Context()), devstack.RedisNode2)
			harm.Heal(t, stack.Process(devstack.RedisNode2))
			require.Eventually(t, func() bool { return stack.RedisClusterWhole(t.Context()) == nil }, time.Minute, 50*time.Millisecond)
			for _, key := range keys {
				require.True(t, s.asks(t, key))
			}
		})
	}
}

// A key that has moved to another node is asked for there, once, and that is not taken for a node that is gone.
func TestAKeyThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	s := open(t, stack.RedisURL())
	s.AnswerTime = timeout
	key := keysOf(t, stack)[devstack.RedisNode1]
	count := goredis.NewScript("return {tostring(redis.call('INCR', KEYS[1]))}")
	_, ok := s.Ask(t.Context(), count, []string{key})
	require.True(t, ok)

	cluster := s.client.(*goredis.ClusterClient)
	slot := int(cluster.ClusterKeySlot(t.Context(), key).Val())
	nodes := map[string]*goredis.Client{}
	var mu sync.Mutex
	require.NoError(t, cluster.ForEachMaster(t.Context(), func(ctx context.Context, c *goredis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		nodes[c.ClusterMyID(ctx).Val()] = c
		return nil
	}))
	from, err := cluster.MasterForKey(t.Context(), key)
	require.NoError(t, err)
	fromID := from.ClusterMyID(t.Context()).Val()
	var toID string
	for id := range nodes {
		if id != fromID {
			toID = id
		}
	}
	to := nodes[toID]
	require.NoError(t, to.Do(t.Context(), "cluster", "setslot", slot, "importing", fromID).Err())
	require.NoError(t, from.Do(t.Context(), "cluster", "setslot", slot, "migrating", toID).Err())
	host, port := splitAddress(t, to.Options().Addr)
	require.NoError(t, from.Migrate(t.Context(), host, port, key, 0, time.Second).Err())
	answer, ok := s.Ask(t.Context(), count, []string{key}) // ASK
	require.True(t, ok)
	require.Equal(t, []string{"2"}, answer)
	for _, c := range nodes {
		require.NoError(t, c.Do(t.Context(), "cluster", "setslot", slot, "node", toID).Err())
	}
	for want := 3; want < 10; want++ { // MOVED
		answer, ok = s.Ask(t.Context(), count, []string{key})
		require.True(t, ok)
		require.Equal(t, []string{fmt.Sprint(want)}, answer)
	}
	require.False(t, s.Unavailable())
}

// What a node has been asked is not asked again, for it may have done it.
func TestAScriptWhoseAnswerIsLostIsNotRunTwice(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	s := open(t, stack.RedisURL())
	key := keysOf(t, stack)[devstack.RedisNode1]
	count := goredis.NewScript("return {tostring(redis.call('INCR', KEYS[1]))}")
	require.Eventually(t, func() bool { _, ok := s.Ask(t.Context(), count, []string{key}); return ok }, timeout, 10*time.Millisecond)
	before, err := s.client.Get(t.Context(), key).Int()
	require.NoError(t, err)
	node := stack.Process(devstack.RedisNode1)
	require.NoError(t, node.Pause())
	_, ok := s.Ask(t.Context(), count, []string{key})
	require.False(t, ok)
	require.NoError(t, node.Resume())
	require.Eventually(t, func() bool { return !s.Unavailable() }, timeout, 10*time.Millisecond)
	after, err := s.client.Get(t.Context(), key).Int()
	require.NoError(t, err)
	require.LessOrEqual(t, after, before+1)
}

// A cluster of which no node answers costs one answer's time, like any Redis.
func TestAClusterThatIsGoneIsLeftAlone(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	s := open(t, stack.RedisURL())
	keys := keysOf(t, stack)
	require.Eventually(t, func() bool { return s.asks(t, keys[devstack.RedisNode1]) }, timeout, 10*time.Millisecond)
	late := open(t, stack.RedisURL()) // which never sees it
	for _, node := range devstack.RedisNodes() {
		require.NoError(t, stack.Process(node).Kill())
	}
	for _, s := range []*Store{s, late} {
		began := time.Now()
		for range 1000 {
			for _, key := range keys {
				require.False(t, s.asks(t, key))
			}
		}
		require.Less(t, time.Since(began), 100*answerTimeout)
	}
	for _, node := range slices.Backward(devstack.RedisNodes()) {
		require.NoError(t, stack.Process(node).Restart(t.Context()))
	}
	require.Eventually(t, func() bool {
		return s.asks(t, keys[devstack.RedisNode1]) && late.asks(t, keys[devstack.RedisNode3]) && !s.Unavailable() && !late.Unavailable()
	}, time.Minute, 10*time.Millisecond)
}

func splitAddress(t *testing.T, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return host, port
}
