package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// redisMaster is the name by which the Sentinels know what they watch.
const redisMaster = "onlywave"

// redisNodes are the ports of the replica and the Sentinels of a Redis, or of the nodes of a cluster. They are empty without both.
type redisNodes struct {
	replica   int
	sentinels []int
	cluster   []int // in the order of RedisNodes
}

// sentinelURL is in the form of go-redis: one Sentinel as the host, the others and the master's name as parameters.
func sentinelURL(ports []int) string {
	query := url.Values{"master_name": {redisMaster}}
	for _, port := range ports[1:] {
		query.Add("addr", fmt.Sprintf("127.0.0.1:%d", port))
	}
	return fmt.Sprintf("redis://127.0.0.1:%d/0?%s", ports[0], query.Encode())
}

// startSentinels gives the running Redis its replica, and has both watched. Every start of a stack begins with the same
// master, whatever a fail-over did to the one before.
func (s *Stack) startSentinels(ctx context.Context) error {
	next := func(after int) int { // to any port
		if s.options.Ports.Redis == 0 {
			return 0
		}
		return after + 1
	}
	port, err := s.startRedisNode(ctx, RedisReplica, next(s.ports.Redis), "--replicaof", fmt.Sprintf("127.0.0.1 %d", s.ports.Redis))
	if err != nil {
		return fmt.Errorf("%s: %w", RedisReplica, err)
	}
	s.redis.replica = port
	var sentinels []int
	for _, sentinel := range []Service{Sentinel1, Sentinel2, Sentinel3} {
		if port, err = s.startSentinel(ctx, sentinel, next(port)); err != nil {
			return fmt.Errorf("%s: %w", sentinel, err)
		}
		sentinels = append(sentinels, port)
	}
	s.redis.sentinels = sentinels
	// Only Sentinels that all know each other, and the replica, can agree on a fail-over.
	var group errgroup.Group
	for _, port := range sentinels {
		group.Go(func() error { return awaitSentinel(ctx, port) })
	}
	return group.Wait()
}

func (s *Stack) startSentinel(ctx context.Context, sentinel Service, preferred int) (int, error) {
	common, err := s.spec(sentinel)
	if err != nil {
		return 0, err
	}
	if common.Path, err = program("redis-server"); err != nil {
		return 0, err
	}
	if common.Dir, err = s.plainPath(common.Dir); err != nil { // Redis takes the name of a file for a pattern
		return 0, err
	}
	file := filepath.Join(common.Dir, "sentinel.conf")
	return s.launch(ctx, sentinel, preferred, func(port int) (Spec, error) {
		spec := common
		spec.Args, spec.Port = []string{file, "--sentinel"}, port
		spec.Ready = func(ctx context.Context) error { return redisReady(ctx, port) }
		// Written here and not before every start: a Sentinel keeps in it what it has learnt.
		return spec, os.WriteFile(file, []byte(s.sentinelConfig(port)), 0o600)
	})
}

// sentinelConfig lets two of three decide that a master is gone. A throw-away stack has a short timeout, but one that is long enough
// for a busy machine.
func (s *Stack) sentinelConfig(port int) string {
	gone := 5 * time.Second
	if s.folder.throwAway {
		gone = 2 * time.Second
	}
	return fmt.Sprintf(`bind 127.0.0.1
port %[1]d
sentinel monitor %[2]s 127.0.0.1 %[3]d 2
sentinel down-after-milliseconds %[2]s %[4]d
sentinel failover-timeout %[2]s %[5]d
`, port, redisMaster, s.ports.Redis, gone.Milliseconds(), (4 * gone).Milliseconds())
}

func awaitSentinel(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the Sentinels have not found each other"))
	defer cancel()
	return withSentinel(port, func(c *goredis.SentinelClient) error {
		for {
			state, err := c.Master(ctx, redisMaster).Result()
			if err == nil && state["num-other-sentinels"] == "2" && state["num-slaves"] == "1" {
				return nil
			}
			select {
			case <-ctx.Done():
				return errors.Join(context.Cause(ctx), err)
			case <-time.After(pollEvery):
			}
		}
	})
}

// RedisMaster is the Redis that the Sentinels take for the master now.
func (s *Stack) RedisMaster(ctx context.Context) (Service, error) {
	var asked error
	for _, port := range s.redis.sentinels { // any that answers will do
		var at []string
		err := withSentinel(port, func(c *goredis.SentinelClient) (err error) {
			at, err = c.GetMasterAddrByName(ctx, redisMaster).Result()
			return err
		})
		if err == nil && len(at) == 2 && at[1] == strconv.Itoa(s.redis.replica) {
			return RedisReplica, nil
		}
		if err == nil {
			return Redis, nil
		}
		asked = errors.Join(asked, err)
	}
	return "", fmt.Errorf("ask the Sentinels for the master: %w", asked)
}

// FailOverRedis makes the Sentinels exchange master and replica, and returns when they have.
func (s *Stack) FailOverRedis(ctx context.Context) error {
	before, err := s.RedisMaster(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the Sentinels do not promote the replica"))
	defer cancel()
	accepted := false // once is enough: a second one would exchange them back
	for {
		if !accepted {
			err := withSentinel(s.redis.sentinels[0], func(c *goredis.SentinelClient) error { return c.Failover(ctx, redisMaster).Err() })
			accepted = err == nil
			// Another that is under way, or a replica that is not good enough yet, is waited for.
			if err != nil && !strings.HasPrefix(err.Error(), "INPROG") && !strings.HasPrefix(err.Error(), "NOGOODSLAVE") {
				return fmt.Errorf("fail Redis over: %w", err)
			}
		}
		if now, err := s.RedisMaster(ctx); err == nil && now != before {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("fail Redis over: %w", context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

func withSentinel(port int, ask func(*goredis.SentinelClient) error) error {
	client := goredis.NewSentinelClient(&goredis.Options{
		Addr: fmt.Sprintf("127.0.0.1:%d", port), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	})
	defer client.Close()
	return ask(client)
}
