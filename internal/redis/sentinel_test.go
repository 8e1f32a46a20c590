package redis

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// However its master goes, a Redis with Sentinels is available again without an operator, and takes writes.
func TestTheSentinelsMasterIsFollowed(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartWithSentinels(t)
	s := open(t, stack.RedisURL())
	s.AnswerTime = time.Second
	// the address names a single Sentinel, which knows the others
	address, err := url.Parse(stack.RedisURL())
	require.NoError(t, err)
	address.RawQuery = url.Values{"master_name": address.Query()["master_name"]}.Encode()
	one := open(t, address.String())
	follows := func(master devstack.Service) {
		require.Eventually(t, func() bool {
			now, err := stack.RedisMaster(t.Context())
			return err == nil && now == master && s.writes(t) && one.writes(t)
		}, time.Minute, 50*time.Millisecond)
	}
	follows(devstack.Redis)
	require.NoError(t, stack.FailOverRedis(t.Context()))
	follows(devstack.RedisReplica)
	promotable(t, s)

	master := stack.Process(devstack.RedisReplica)
	require.NoError(t, master.Pause()) // which its connections do not show
	follows(devstack.Redis)
	require.NoError(t, master.Resume())
	promotable(t, s)

	require.NoError(t, stack.Process(devstack.Sentinel1).Pause())
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	follows(devstack.RedisReplica)
}

func (s *Store) writes(t *testing.T) bool {
	_, ok := s.Ask(t.Context(), write, []string{"key"}, "value")
	return ok && !s.Unavailable()
}

// A Sentinel that says nothing is not waited for, when there are others.
func TestASilentSentinelIsPassedOver(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartWithSentinels(t)
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer hole.Close()
	address, err := url.Parse(stack.RedisURL())
	require.NoError(t, err)
	query := address.Query()
	query.Add("addr", address.Host)
	address.Host, address.RawQuery = hole.Addr().String(), query.Encode()
	s := open(t, address.String())
	require.Eventually(t, func() bool { return s.echoes(t.Context()) }, time.Minute, 50*time.Millisecond)
}

// promotable waits until the master has a replica again.
func promotable(t *testing.T, s *Store) {
	t.Helper()
	require.Eventually(t, func() bool {
		return s.Client().InfoMap(t.Context(), "replication").Item("Replication", "connected_slaves") == "1"
	}, time.Minute, 50*time.Millisecond)
}
