package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// What Options.RedisCluster runs instead of Redis: three masters, which share the keys among them, and a replica of each.
const (
	RedisNode1 Service = "redis-1"
	RedisNode2 Service = "redis-2"
	RedisNode3 Service = "redis-3"
	RedisNode4 Service = "redis-4"
	RedisNode5 Service = "redis-5"
	RedisNode6 Service = "redis-6"
)

const (
	clusterMasters = 3
	clusterSlots   = 16384
	// clusterSilence is for how long a node may be silent before the others take it for gone; a busy machine is allowed for.
	clusterSilence = 2 * time.Second
)

// RedisNodes are all of a cluster, those that begin as masters first.
func RedisNodes() []Service {
	return []Service{RedisNode1, RedisNode2, RedisNode3, RedisNode4, RedisNode5, RedisNode6}
}

// clusterURL names the nodes that begin as masters; these name the others.
func clusterURL(ports []int) string {
	query := url.Values{"cluster": {"true"}}
	for _, port := range ports[1:clusterMasters] {
		query.Add("addr", fmt.Sprintf("127.0.0.1:%d", port))
	}
	return fmt.Sprintf("redis://127.0.0.1:%d/?%s", ports[0], query.Encode())
}

// startCluster begins anew with every start of a stack, whatever became of the nodes in the one before: what Redis holds may be
// lost, and where its nodes listen may have changed.
func (s *Stack) startCluster(ctx context.Context) error {
	preferred, buses := s.options.Ports.Redis, make([]int, len(RedisNodes()))
	for i, service := range RedisNodes() {
		common, err := s.spec(service)
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(common.Dir), os.Mkdir(common.Dir, 0o700)); err != nil {
			return fmt.Errorf("empty the folder of %s: %w", service, err)
		}
		if buses[i], err = FreePort(0); err != nil {
			return err
		}
		port, err := s.startRedisNode(ctx, service, preferred, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(buses[i]),
			"--cluster-node-timeout", strconv.FormatInt(clusterSilence.Milliseconds(), 10),
			// One node that is gone for good does not take the others' keys along.
			"--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no", "--cluster-replica-validity-factor", "0")
		if err != nil {
			return fmt.Errorf("%s: %w", service, err)
		}
		s.redis.cluster = append(s.redis.cluster, port)
		if preferred > 0 {
			preferred = port + 1
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the nodes of the cluster have not found each other"))
	defer cancel()
	return s.joinCluster(ctx, buses)
}

// joinCluster makes one cluster of the nodes, as redis-cli --cluster create does.
func (s *Stack) joinCluster(ctx context.Context, buses []int) error {
	ids := make([]string, len(s.redis.cluster))
	for i, port := range s.redis.cluster {
		err := withRedisNode(port, func(c *goredis.Client) (err error) {
			if i < clusterMasters {
				first, last := i*clusterSlots/clusterMasters, (i+1)*clusterSlots/clusterMasters-1
				if err := c.ClusterAddSlotsRange(ctx, first, last).Err(); err != nil {
					return err
				}
			}
			if err := c.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
				return err
			}
			for j, other := range s.redis.cluster[:i] {
				if err := c.Do(ctx, "cluster", "meet", "127.0.0.1", other, buses[j]).Err(); err != nil {
					return err
				}
			}
			ids[i], err = c.ClusterMyID(ctx).Result()
			return err
		})
		if err != nil {
			return fmt.Errorf("join the cluster's nodes: %w", err)
		}
	}
	var group errgroup.Group
	for i, port := range s.redis.cluster {
		group.Go(func() error {
			if i >= clusterMasters {
				follow := func(c *goredis.Client) error { return c.ClusterReplicate(ctx, ids[i-clusterMasters]).Err() }
				if err := until(ctx, port, follow); err != nil { // until it has heard of its master
					return err
				}
			}
			return until(ctx, port, func(c *goredis.Client) error { return clusterWhole(ctx, c) })
		})
	}
	return group.Wait()
}

// clusterWhole says whether a node knows of all masters and replicas and is linked to its own master.
func clusterWhole(ctx context.Context, c *goredis.Client) error {
	nodes, err := c.ClusterNodes(ctx).Result()
	if err != nil {
		return err
	}
	info, err := c.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	replication, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	linked := strings.Contains(replication, "role:master") && strings.Contains(replication, "state=online") ||
		strings.Contains(replication, "master_link_status:up")
	if !linked || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", len(RedisNodes()))) ||
		strings.Count(nodes, "slave ") != clusterMasters || strings.Contains(nodes, "fail") {
		return errors.New("the cluster is not whole:\n" + nodes)
	}
	return nil
}

// RedisMasters are the nodes of the cluster that answer as masters now. One that is gone is not among them, once another has taken
// its place there are three again.
func (s *Stack) RedisMasters(ctx context.Context) []Service {
	var masters []Service
	for i, port := range s.redis.cluster {
		err := withRedisNode(port, func(c *goredis.Client) error {
			role, err := c.Do(ctx, "role").Slice()
			if err == nil && (len(role) == 0 || role[0] != "master") {
				err = errors.New("it is a replica")
			}
			return err
		})
		if err == nil {
			masters = append(masters, RedisNodes()[i])
		}
	}
	return masters
}

// RedisClusterWhole says what the cluster lacks; nil: three masters, a replica of each, and all know it.
func (s *Stack) RedisClusterWhole(ctx context.Context) error {
	for _, port := range s.redis.cluster {
		if err := withRedisNode(port, func(c *goredis.Client) error { return clusterWhole(ctx, c) }); err != nil {
			return err
		}
	}
	return nil
}

// RedisMasterOf is the node that holds a key.
func (s *Stack) RedisMasterOf(ctx context.Context, key string) (Service, error) {
	slot, err := s.keySlot(ctx, key)
	if err != nil {
		return "", err
	}
	var asked error
	for _, port := range s.redis.cluster { // any that answers will do
		var shards []goredis.ClusterShard
		err := withRedisNode(port, func(c *goredis.Client) (err error) { shards, err = c.ClusterShards(ctx).Result(); return err })
		asked = errors.Join(asked, err)
		if port, found := masterOf(shards, slot); found {
			return s.redisNodeAt(port)
		}
	}
	return "", fmt.Errorf("ask the cluster who holds %s: %w", key, asked)
}

// masterOf is the port of the node that takes writes for a slot. A shard also lists the master that it has lost.
func masterOf(shards []goredis.ClusterShard, slot int) (port int, found bool) {
	for _, shard := range shards {
		if !slices.ContainsFunc(shard.Slots, func(r goredis.SlotRange) bool { return int(r.Start) <= slot && slot <= int(r.End) }) {
			continue
		}
		for _, node := range shard.Nodes {
			if node.Role == "master" && node.Health == "online" {
				return int(node.Port), true
			}
		}
	}
	return 0, false
}

func (s *Stack) keySlot(ctx context.Context, key string) (slot int, err error) {
	for _, port := range s.redis.cluster {
		err = withRedisNode(port, func(c *goredis.Client) error {
			n, err := c.ClusterKeySlot(ctx, key).Result()
			slot = int(n)
			return err
		})
		if err == nil {
			return slot, nil
		}
	}
	return 0, fmt.Errorf("ask the cluster for a key's slot: %w", err)
}

func (s *Stack) redisNodeAt(port int) (Service, error) {
	at := slices.Index(s.redis.cluster, port)
	if at < 0 {
		return "", fmt.Errorf("no node of the cluster listens on port %d", port)
	}
	return RedisNodes()[at], nil
}

// until repeats a question until its answer is good.
func until(ctx context.Context, port int, ask func(*goredis.Client) error) error {
	for {
		err := withRedisNode(port, ask)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(pollEvery):
		}
	}
}

func withRedisNode(port int, ask func(*goredis.Client) error) error {
	client := goredis.NewClient(&goredis.Options{
		Addr: fmt.Sprintf("127.0.0.1:%d", port), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: time.Second, ReadTimeout: time.Second,
	})
	defer client.Close()
	return ask(client)
}
