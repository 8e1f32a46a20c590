package redis

import (
	"context"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// readEvery is how long a reading of a node's clock is believed. It bounds what goes unseen meanwhile: a step of the node's clock, a
// failover that no question has felt, and that two clocks do not run equally fast (half a millisecond each second at most).
const readEvery = 10 * time.Second

// Clock is the clock of the node that holds a key: what it said once, and this process's monotonic clock since then. So a question that
// needs the time costs no second command, and what this machine takes for the date does not matter.
//
// When the node looked at its clock is not known exactly: between the question and the answer. So there are two translations of a
// process's time, and each caller takes the one whose error does no harm. Each node of a cluster has a Clock of its own, since what is
// written under a key is compared with the time by the same node. After a failover another node's clock counts. The copies and limits
// that it takes over bear the other's times, so the machines of Redis should be synchronized, as all others.
type Clock struct {
	said           time.Time // by the node
	sent, received time.Time // the question and the answer, by this process
	date           time.Time // of the answer, by this machine, without the monotonic clock
}

// Earliest is the time by the node when this process had t, or up to a round trip before. t is of time.Now.
func (c Clock) Earliest(t time.Time) time.Time { return c.said.Add(t.Sub(c.received)) }

// Latest is the time by the node when this process had t, or up to a round trip after.
func (c Clock) Latest(t time.Time) time.Time { return c.said.Add(t.Sub(c.sent)) }

// old says whether the clock has to be read anew. A monotonic clock stands still while its machine sleeps, which the date shows.
func (c Clock) old(now time.Time) bool {
	return max(now.Sub(c.received), now.Round(0).Sub(c.date)) >= readEvery
}

// clock is the node's clock. Who finds it too old reads it, within the time for the question that needs it. Several may at once, which
// costs less than waiting for each other.
func (s *Store) clock(ctx context.Context, at node) (Clock, error) {
	s.mu.RLock()
	known, is := s.clocks[at.name]
	s.mu.RUnlock()
	sent := time.Now()
	if is && !known.old(sent) {
		return known, nil
	}
	said, err := at.client.Time(ctx).Result()
	if err != nil {
		return Clock{}, err
	}
	received := time.Now()
	read := Clock{said: said, sent: sent, received: received, date: received.Round(0)}
	s.mu.Lock()
	s.clocks[at.name] = read
	s.mu.Unlock()
	return read, nil
}

// AskAt is Ask for a script that needs to know the time: args makes its arguments by the clock of the node that runs it.
func (s *Store) AskAt(ctx context.Context, script *goredis.Script, keys []string, args func(Clock) []any) (answer []string, ok bool) {
	ok = s.ask(ctx, keys[0], func(ctx context.Context, at node) error {
		clock, err := s.clock(ctx, at)
		if err != nil {
			return err
		}
		answer, err = script.Run(ctx, at.client, keys, args(clock)...).StringSlice()
		return err
	})
	return answer, ok
}

// FieldsAt is Fields with the clock of the node that holds the key.
func (s *Store) FieldsAt(ctx context.Context, key string, names ...string) (fields []string, clock Clock, ok bool) {
	ok = s.ask(ctx, key, func(ctx context.Context, at node) (err error) {
		if clock, err = s.clock(ctx, at); err != nil {
			return err
		}
		fields, err = readFields(ctx, at, key, names)
		return err
	})
	return fields, clock, ok
}
