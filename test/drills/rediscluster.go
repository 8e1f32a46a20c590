package drills

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// onRedisCluster are the drills on a Redis that is a cluster.
var onRedisCluster = []Drill{{
	Name: "redis-cluster-node-lost", Shows: "A master of a Redis cluster is killed under load and no request fails: processes decide locally about its keys until its replica has taken over.",
	RedisCluster: true, Lasts: 12 * time.Second,
	Strike: []Act{loseAClusterMaster}, Heal: []Act{restartTheNode},
	Expect: []Expectation{noRequestFails, latencyStays, webhooksAreTaken, theReplicaLeads, nodesUnavailable},
}}

// breakerKey is the key that every charge reads.
const breakerKey = "onlywave:breaker:{charge}"

// loseAClusterMaster kills the master of breakerKey, and waits until its replica has taken over.
func loseAClusterMaster(ctx context.Context, s *Scene) (err error) {
	if s.node, err = s.Stack.RedisMasterOf(ctx, breakerKey); err != nil {
		return err
	}
	began := time.Now()
	if err := s.Stack.Process(s.node).Kill(); err != nil {
		return err
	}
	for {
		if leader, err := s.Stack.RedisMasterOf(ctx, breakerKey); err == nil && leader != s.node {
			s.remark("a replica took over the keys of %s after %s", s.node, time.Since(began).Round(100*time.Millisecond))
			return nil
		}
		if !platform.Pause(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func restartTheNode(ctx context.Context, s *Scene) error {
	return s.Stack.Process(s.node).Restart(ctx)
}

// theReplicaLeads: the replica that took over still leads at the end, and the cluster is complete again.
func theReplicaLeads(ctx context.Context, s *Scene) ([]Objection, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := s.Stack.RedisClusterWhole(ctx)
		if err == nil {
			break
		}
		if !platform.Pause(ctx, 200*time.Millisecond) {
			return []Objection{object("the cluster is complete again", "", "%v", err)}, nil
		}
	}
	if masters := s.Stack.RedisMasters(ctx); slices.Contains(masters, s.node) {
		return []Objection{object("the replica leads", "", "the masters are %v", masters)}, nil
	}
	return nil, nil
}

// nodesUnavailable remarks how many nodes were unavailable, and to how many processes, by their logs. Only the lost node should be;
// on a very busy machine another one may answer late, too.
func nodesUnavailable(_ context.Context, s *Scene) ([]Objection, error) {
	unavailable := map[string]map[string]bool{} // logs by the node that they name
	for _, page := range s.Evidence.Pages {
		for line := range strings.Lines(page.Text) {
			var entry struct {
				Time time.Time `json:"time"`
				Node string    `json:"node"`
			}
			if !strings.Contains(line, "redis is unavailable") || json.Unmarshal([]byte(line), &entry) != nil || entry.Time.Before(s.Struck) {
				continue
			}
			if unavailable[entry.Node] == nil {
				unavailable[entry.Node] = map[string]bool{}
			}
			unavailable[entry.Node][page.Where] = true
		}
	}
	var counts []string
	for _, logs := range unavailable {
		counts = append(counts, fmt.Sprintf("%d processes", len(logs)))
	}
	if len(counts) == 0 {
		return []Objection{object("the fault has an effect", "", "no process reports the lost node as unavailable")}, nil
	}
	slices.Sort(counts)
	s.remark("%d nodes were unavailable, to %s", len(counts), strings.Join(counts, " and "))
	return nil, nil
}
