package devstack

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// RedisURL is the URL of database 0.
func (s *Stack) RedisURL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.ports.Redis) }

func (s *Stack) startRedis(ctx context.Context) (int, error) {
	common, err := s.spec(Redis)
	if err != nil {
		return 0, err
	}
	if common.Path, err = program("redis-server"); err != nil {
		return 0, err
	}
	// An append-only file, synced every second, is never more than that behind; a cut-off end is accepted on start.
	appendOnly := "yes"
	if s.folder.throwAway {
		appendOnly = "no"
	}
	s.ports.Redis, err = s.launch(ctx, Redis, s.options.Ports.Redis, func(port int) (Spec, error) {
		spec := common
		spec.Args = []string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", spec.Dir,
			"--appendonly", appendOnly, "--save", ""}
		spec.Port = port
		spec.Ready = func(ctx context.Context) error { return redisReady(ctx, port) }
		return spec, nil
	})
	return s.ports.Redis, err
}

func redisReady(ctx context.Context, port int) error {
	client := redis.NewClient(&redis.Options{
		Addr: fmt.Sprintf("127.0.0.1:%d", port), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	})
	defer client.Close()
	return client.Ping(ctx).Err()
}
