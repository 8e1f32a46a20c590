// Package redis is Redis for what may be lost: breakers, rate limits, sessions, caches and marks of webhooks. Its one rule: Redis never
// costs its callers more than a moment. A question is answered at once or not at all, and while Redis is unavailable no caller waits
// for it: one question a second finds out when it is available again, and until then each process decides for itself.
//
// Redis may be one server, one that Sentinels watch, or a cluster. Of a cluster each node is judged by itself: while one is
// unavailable, what the others hold is still asked of them.
package redis

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/onlywave/onlywave/internal/tracing"
)

const (
	// answerTimeout is for an answer that takes less than a millisecond; the rest is for a busy machine.
	answerTimeout = 80 * time.Millisecond
	// tryEvery is how long a Redis that failed is left alone before it is tried again.
	tryEvery = time.Second
)

// The client would print what its errors say already, and not as the log is written.
func init() { goredis.SetLogger(&logging.VoidLogger{}) }

// Store asks one Redis for all of a process, so that a caller that finds it unavailable spares the others the wait.
type Store struct {
	AnswerTime time.Duration // the most that a question may take; may be changed before the first

	client goredis.UniversalClient
	log    *slog.Logger
	closed chan struct{}
	tries  sync.WaitGroup

	mu          sync.RWMutex
	unavailable map[string]bool  // nodes that are unavailable
	clocks      map[string]Clock // of nodes, as they were read last
	ended       bool             // no try begins any more
}

const badAddress = "not an address such as redis://host:6379/0, redis://sentinel1:26379,sentinel2:26379/0?master_name=onlywave or " +
	"redis://node1:6379,node2:6379,node3:6379"

// Open makes a store for an address, whose form says what is there:
//
//   - redis://host:6379/0 is one server;
//   - redis://sentinel1:26379,sentinel2:26379/0?master_name=onlywave are Sentinels, and whichever server they make the master is asked;
//   - redis://node1:6379,node2:6379,node3:6379 are nodes of a cluster, which know the others. One is enough, with ?cluster=true.
//
// Further hosts may be given as &addr=host:port too. With rediss:// connections are encrypted. It does not connect yet.
func Open(url string, log *slog.Logger) (*Store, error) {
	client, err := newClient(url)
	if err != nil {
		return nil, errors.New(badAddress) // err would repeat the address, and its password
	}
	return &Store{AnswerTime: answerTimeout, client: client, log: log, closed: make(chan struct{}), unavailable: map[string]bool{}, clocks: map[string]Clock{}}, nil
}

// Close gives up the connections.
func (s *Store) Close() error {
	s.mu.Lock()
	ended := s.ended
	s.ended = true
	s.mu.Unlock()
	if !ended {
		close(s.closed)
	}
	s.tries.Wait()
	return s.client.Close()
}

// Client is for operators' commands, which may take longer and whose failure the operator sees.
func (s *Store) Client() goredis.UniversalClient { return s.client }

// Unavailable says whether Redis, or a node of the cluster, was unavailable when it was last asked.
func (s *Store) Unavailable() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.unavailable) > 0
}

// UnavailableFor says whether the one that holds a key was.
func (s *Store) UnavailableFor(ctx context.Context, key string) bool {
	if s.isUnavailable(everything) {
		return true
	}
	at := s.nodeOf(ctx, key)
	return at.err != nil || s.isUnavailable(at.name)
}

func (s *Store) isUnavailable(node string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unavailable[node]
}

// Ask runs a script that answers with texts; false when Redis does not answer in time. A caller that gives up meanwhile does
// not end the question: what a script did must be known to the code that has to undo it.
func (s *Store) Ask(ctx context.Context, script *goredis.Script, keys []string, args ...any) (answer []string, ok bool) {
	ok = s.ask(ctx, keys[0], func(ctx context.Context, at node) (err error) {
		answer, err = script.Run(ctx, at.client, keys, args...).StringSlice()
		return err
	})
	return answer, ok
}

// question asks one node, or the whole cluster.
type question func(ctx context.Context, at node) error

// ask puts a question to the node that holds a key.
func (s *Store) ask(ctx context.Context, key string, q question) bool {
	if s.isUnavailable(everything) {
		return false
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.AnswerTime)
	defer cancel()
	at := s.nodeOf(asking, key)
	if at.err == nil && s.isUnavailable(at.name) {
		return false
	}
	_, span := tracing.Start(ctx, tracing.Client, "redis ", area(key))
	err := s.put(asking, at, q)
	switch {
	case err == nil:
		span.End("")
		return true
	case !goredis.IsTryAgainError(err): // which is about this one key, while it moves to another node
		s.leave(at.name, key, err)
	}
	span.End("unavailable")
	return false
}

// Run runs a script once, for a question of operators'; it waits for as long as ctx allows.
func (s *Store) Run(ctx context.Context, script *goredis.Script, keys []string, args ...any) *goredis.Cmd {
	cmd := goredis.NewCmd(ctx)
	err := s.put(ctx, s.nodeOf(ctx, keys[0]), func(ctx context.Context, at node) error {
		cmd = script.Run(ctx, at.client, keys, args...)
		return cmd.Err()
	})
	if err != nil {
		cmd.SetErr(err)
	}
	return cmd
}

// area is the part of a key of ours that says what it is about, such as breaker in onlywave:breaker:{charge}.
func area(key string) string {
	_, rest, _ := strings.Cut(key, ":")
	area, _, _ := strings.Cut(rest, ":")
	return area
}

// leave lets a node be until it answers for the key again.
func (s *Store) leave(node, key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clocks, node) // who comes back under this name may have another
	if s.ended || s.unavailable[node] {
		return
	}
	s.unavailable[node] = true
	s.log.Warn("redis is unavailable, this process works without it", "node", node, "error", err)
	s.tries.Go(func() { s.awaitReturn(node, key) })
}

func (s *Store) awaitReturn(node, key string) {
	ticker := time.NewTicker(tryEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
		}
		if s.answers(node, key) {
			s.mu.Lock()
			delete(s.unavailable, node)
			s.mu.Unlock()
			s.log.Info("redis recovered", "node", node)
			return
		}
	}
}
