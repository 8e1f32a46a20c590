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
	// patience is how long a person waits for Redis.
	patience = 2 * time.Second
	// mourning is how long an ended session is remembered, which is longer than any request takes.
	mourning = 10 * time.Minute
)

// ended stands in the place of a session that was; gob never writes this.
const ended = "ended"

//go:embed commit.lua
var commitSource string

var commitScript = goredis.NewScript(commitSource)

// store keeps sessions as scs wants them kept.
type store struct{ redis *redis.Store }

// FindCtx reads a session.
func (s *store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
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
	return s.ask(ctx, func(ctx context.Context) error {
		return s.redis.Run(ctx, commitScript, []string{key(token)}, data, left.Milliseconds(), ended).Err()
	})
}

// DeleteCtx ends a session for good.
func (s *store) DeleteCtx(ctx context.Context, token string) error {
	return s.ask(ctx, func(ctx context.Context) error {
		return s.redis.Client().Set(ctx, key(token), ended, mourning).Err()
	})
}

func (s *store) ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := question(ctx)
	if err == nil || errors.Is(err, goredis.Nil) {
		return err
	}
	return &failure.Error{Kind: failure.Unavailable, Message: "Redis, which holds the sessions, is away", Err: err}
}

// The same without a context, which scs asks for and does not use.

func (s *store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s *store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func key(token string) string { return "onlywave:session:{" + token + "}" }
