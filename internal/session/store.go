package session

import (
	"context"
	_ "embed"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
)

const (
	// redisTimeout is how long a request waits for Redis.
	redisTimeout = 2 * time.Second
	// endedFor is how long an ended session is remembered: longer than any request takes.
	endedFor = 10 * time.Minute
)

// ended is stored in place of a session that has ended; gob never writes this text.
const ended = "ended"

//go:embed commit.lua
var commitSource string

var commitScript = goredis.NewScript(commitSource)

// store is the session store of scs, in Redis.
type store struct{ redis *redis.Store }

// FindCtx reads a session.
func (s *store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.withTimeout(ctx, func(ctx context.Context) (err error) {
		data, err = s.redis.Client().Get(ctx, key(token)).Bytes()
		return err
	})
	if errors.Is(err, goredis.Nil) || string(data) == ended {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx writes a session, unless it has ended.
func (s *store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	left := max(time.Until(expiry), time.Millisecond)
	return s.withTimeout(ctx, func(ctx context.Context) error {
		return s.redis.Run(ctx, commitScript, []string{key(token)}, data, left.Milliseconds(), ended).Err()
	})
}

// DeleteCtx ends a session for good.
func (s *store) DeleteCtx(ctx context.Context, token string) error {
	return s.withTimeout(ctx, func(ctx context.Context) error {
		return s.redis.Client().Set(ctx, key(token), ended, endedFor).Err()
	})
}

func (s *store) withTimeout(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	err := call(ctx)
	if err == nil || errors.Is(err, goredis.Nil) {
		return err
	}
	return &failure.Error{Kind: failure.Unavailable, Message: "Redis, which holds the sessions, is unavailable", Err: err}
}

// The interface scs.Store requires these methods without a context; scs does not call them.

func (s *store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func key(token string) string { return "onlywave:session:{" + token + "}" }
