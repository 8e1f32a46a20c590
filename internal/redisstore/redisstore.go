// Package redisstore is Redis for what may be lost: the breakers' state, the provider's budget. Its one rule: Redis never
// costs its callers more than a moment. A question is answered at once or not at all, and while Redis is away nobody waits
// for it: one ping a second finds out when it is back, and until then each process decides for itself.
package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/onlywave/onlywave/internal/span"
)

const (
	// answerTime is for an answer that takes less than a millisecond; the rest is for a busy machine.
	answerTime = 80 * time.Millisecond
	// pingEvery is how long a Redis that failed is left alone before it is tried again.
	pingEvery = time.Second
)

// The client would print what its errors say already, and not as the log is written.
func init() { redis.SetLogger(&logging.VoidLogger{}) }

// Store asks one Redis for all of a process, so that who finds it away spares the others the wait.
type Store struct {
	AnswerTime time.Duration // the most that a question may take; may be changed before the first

	client *redis.Client
	log    *slog.Logger
	away   atomic.Bool
	closed chan struct{}
	pings  sync.WaitGroup
	mu     sync.Mutex // of the end: no ping begins after it
	ended  bool
}

// Open makes a store for an address such as redis://host:6379/0, or for one that names the Sentinels and their master, such as
// redis://sentinel1:26379/0?master_name=onlywave&addr=sentinel2:26379; then it follows whichever Redis they make the master.
// It does not connect yet.
func Open(url string, log *slog.Logger) (*Store, error) {
	client, err := newClient(url)
	if err != nil {
		// err would repeat the address, and its password
		return nil, errors.New("not an address such as redis://host:6379/0 or redis://sentinel:26379/0?master_name=onlywave")
	}
	return &Store{AnswerTime: answerTime, client: client, log: log, closed: make(chan struct{})}, nil
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
	s.pings.Wait()
	return s.client.Close()
}

// Client is for operators' questions, which may take longer and whose failure they are told.
func (s *Store) Client() *redis.Client { return s.client }

// Away says whether Redis was away when it was last asked.
func (s *Store) Away() bool { return s.away.Load() }

// Ask runs a script that answers with texts; false when Redis does not answer in time. A caller who gives up meanwhile does
// not end the question: what a script did must be known to whoever has to undo it.
func (s *Store) Ask(ctx context.Context, script *redis.Script, keys []string, args ...any) ([]string, bool) {
	if s.away.Load() {
		return nil, false
	}
	ctx, step := span.Start(ctx, span.Client, "redis ", area(keys[0]))
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.AnswerTime)
	defer cancel()
	answer, err := script.Run(asking, s.client, keys, args...).StringSlice()
	if err != nil {
		step.End("unavailable")
		s.leave(err)
		return nil, false
	}
	step.End("")
	return answer, true
}

// area is the part of a key of ours that says what it is about, such as breaker in onlywave:breaker:{charge}.
func area(key string) string {
	_, rest, _ := strings.Cut(key, ":")
	area, _, _ := strings.Cut(rest, ":")
	return area
}

// leave lets Redis be until it answers a ping.
func (s *Store) leave(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.away.CompareAndSwap(false, true) {
		return
	}
	s.log.Warn("redis is away, each process decides for itself", "error", err)
	s.pings.Go(s.awaitReturn)
}

func (s *Store) awaitReturn() {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.AnswerTime)
		err := s.client.Ping(ctx).Err()
		cancel()
		if err == nil {
			s.away.Store(false)
			s.log.Info("redis is back")
			return
		}
	}
}
