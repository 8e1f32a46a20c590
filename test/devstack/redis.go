package devstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"
)

// RedisURL is the URL of database 0: Redis's own, or one that names the Sentinels, which know which Redis is the master, or one that
// names nodes of the cluster.
func (s *Stack) RedisURL() string {
	if s.redis.cluster != nil {
		return clusterURL(s.redis.cluster)
	}
	if s.redis.sentinels == nil {
		return fmt.Sprintf("redis://127.0.0.1:%d/0", s.ports.Redis)
	}
	return sentinelURL(s.redis.sentinels)
}

// FlushRedis makes Redis forget everything: every master of it.
func (s *Stack) FlushRedis(ctx context.Context) error {
	ports := []int{s.ports.Redis, s.redis.replica}
	if s.redis.cluster != nil {
		ports = s.redis.cluster
	}
	var errs []error
	for _, port := range ports {
		if port == 0 {
			continue // there is no replica
		}
		err := withRedisNode(port, func(c *goredis.Client) error { return c.FlushAll(ctx).Err() })
		if !goredis.IsReadOnlyError(err) { // a replica forgets with its master
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Stack) startRedis(ctx context.Context) (port int, err error) {
	if s.options.RedisCluster {
		if err := s.startCluster(ctx); err != nil {
			return 0, err
		}
		return s.redis.cluster[0], nil
	}
	if s.ports.Redis, err = s.startRedisNode(ctx, Redis, s.options.Ports.Redis); err != nil {
		return 0, err
	}
	if s.options.Sentinels {
		err = s.startSentinels(ctx)
	}
	return s.ports.Redis, err
}

func (s *Stack) startRedisNode(ctx context.Context, node Service, preferred int, more ...string) (int, error) {
	common, err := s.spec(node)
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
	return s.launch(ctx, node, preferred, func(port int) (Spec, error) {
		spec := common
		spec.Args = slices.Concat([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", spec.Dir,
			"--appendonly", appendOnly, "--save", "", "--repl-diskless-sync-delay", "0"}, more)
		spec.Port = port
		spec.Ready = func(ctx context.Context) error { return redisReady(ctx, port) }
		return spec, nil
	})
}

func redisReady(ctx context.Context, port int) error {
	return withRedisNode(port, func(c *goredis.Client) error { return c.Ping(ctx).Err() })
}
