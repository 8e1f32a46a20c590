package redis

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// clockOf is the clock of the node that holds a key.
func (s *Store) clockOf(t *testing.T, key string) Clock {
	t.Helper()
	_, clock, ok := s.FieldsAt(t.Context(), key, "a")
	require.True(t, ok)
	return clock
}

// What the node itself says lies between the two translations of the moment it is asked in.
func TestAClockSaysNoMoreThanItKnows(t *testing.T) {
	t.Parallel()
	s := open(t, devstacktest.Shared().RedisURL())
	s.AnswerTime = timeout
	clock := s.clockOf(t, "key")
	before := time.Now()
	said, err := s.client.Time(t.Context()).Result()
	require.NoError(t, err)
	const drift = 10 * time.Millisecond // in less than readEvery
	require.False(t, said.Before(clock.Earliest(before).Add(-drift)))
	require.False(t, said.After(clock.Latest(time.Now()).Add(drift)))
	require.Equal(t, clock.received.Sub(clock.sent), clock.Latest(before).Sub(clock.Earliest(before)))
}

// A script is given the same clock as a reader.
func TestAScriptIsGivenTheClock(t *testing.T) {
	t.Parallel()
	s := open(t, devstacktest.Shared().RedisURL())
	s.AnswerTime = timeout
	var given Clock
	answer, ok := s.AskAt(t.Context(), echo, []string{"key"}, func(c Clock) []any { given = c; return []any{"value"} })
	require.True(t, ok)
	require.Equal(t, []string{"key", "value"}, answer)
	require.Equal(t, given, s.clockOf(t, "key"))
}

// A clock is read once for all questions of a while, and anew after that, or when the machine has slept.
func TestAClockIsReadAnew(t *testing.T) {
	t.Parallel()
	s := open(t, devstacktest.Shared().RedisURL())
	s.AnswerTime = timeout
	first := s.clockOf(t, "key")
	for name, since := range map[string]func(*Clock){
		"it is old":             func(c *Clock) { c.received, c.date = c.received.Add(-readEvery), c.date.Add(-readEvery) },
		"the machine has slept": func(c *Clock) { c.date = c.date.Add(-readEvery) },
	} {
		young := first
		young.said, young.received, young.date = first.said.Add(time.Hour), time.Now(), time.Now().Round(0)
		s.clocks[everything] = young // the node's clock was an hour ahead
		require.Equal(t, young, s.clockOf(t, "key"))
		since(&young)
		s.clocks[everything] = young
		require.WithinDuration(t, first.said, s.clockOf(t, "key").said, timeout, name)
	}
}

// Another server may come back in the place of one that went.
func TestTheClockOfANodeThatWentIsForgotten(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	s := open(t, stack.RedisURL())
	s.AnswerTime = timeout
	before := s.clockOf(t, "key")
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	_, _, ok := s.FieldsAt(t.Context(), "key", "a")
	require.False(t, ok, "it does not answer")
	_, ok = s.AskAt(t.Context(), echo, []string{"key"}, func(Clock) []any { t.Error("there is no clock"); return nil })
	require.False(t, ok)
	require.NoError(t, stack.Process(devstack.Redis).Restart(t.Context()))
	require.Eventually(t, func() bool { return !s.Unavailable() }, timeout, 10*time.Millisecond)
	require.True(t, s.clockOf(t, "key").sent.After(before.received))
}

// The time under a key is that of the node that holds it.
func TestEachNodeOfAClusterHasItsClock(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	s := open(t, stack.RedisURL())
	s.AnswerTime = timeout
	cluster := s.client.(*goredis.ClusterClient)
	for _, key := range keysOf(t, stack) {
		clock := s.clockOf(t, key)
		master, err := cluster.MasterForKey(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, s.clocks[master.Options().Addr], clock)
	}
	require.Len(t, s.clocks, 3)
}
