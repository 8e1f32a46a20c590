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
	Name: "redis-cluster-node-lost", Shows: "A master of Redis' cluster is killed under load, and nobody notices: its keys are decided locally until its replica has taken over.",
	RedisCluster: true, Lasts: 12 * time.Second,
	Strike: []Act{loseAClusterMaster}, Heal: []Act{restartTheNode},
	Expect: []Expectation{nobodyNotices, latencyStays, webhooksAreTaken, theReplicaLeads, whoDidWithout},
}}

// breakerKey is what every charge asks Redis about.
const breakerKey = "onlywave:breaker:{charge}"

// loseAClusterMaster kills the one that holds the charges' breaker, and waits until its replica has taken over.
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
			s.remark("another took over %s's keys after %s", s.node, time.Since(began).Round(100*time.Millisecond))
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

// theReplicaLeads: what took over leads in the end too, and the cluster is whole again.
func theReplicaLeads(ctx context.Context, s *Scene) ([]Objection, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := s.Stack.RedisClusterWhole(ctx)
		if err == nil {
			break
		}
		if !platform.Pause(ctx, 200*time.Millisecond) {
			return []Objection{object("the cluster is whole again", "", "%v", err)}, nil
		}
	}
	if masters := s.Stack.RedisMasters(ctx); slices.Contains(masters, s.node) {
		return []Objection{object("the replica leads", "", "the masters are %v", masters)}, nil
	}
	return nil, nil
}

// whoDidWithout remarks which nodes were left alone by how many processes, by their logs. That one is lost is no reason to do
// without the others; on a machine that is busier than a drill should find it, one of those may be late all the same.
func whoDidWithout(_ context.Context, s *Scene) ([]Objection, error) {
	without := map[string]map[string]bool{} // nodes, and the logs that name them
	for _, page := range s.Evidence.Pages {
		for line := range strings.Lines(page.Text) {
			var entry struct {
				Time time.Time `json:"time"`
				Node string    `json:"node"`
			}
			if !strings.Contains(line, "redis is away") || json.Unmarshal([]byte(line), &entry) != nil || entry.Time.Before(s.Struck) {
				continue
			}
			if without[entry.Node] == nil {
				without[entry.Node] = map[string]bool{}
			}
			without[entry.Node][page.Where] = true
		}
	}
	var counts []string
	for _, logs := range without {
		counts = append(counts, fmt.Sprintf("%d processes", len(logs)))
	}
	if len(counts) == 0 {
		return []Objection{object("the fault is felt", "", "no process was without the node that was lost")}, nil
	}
	slices.Sort(counts)
	s.remark("%d nodes were done without, by %s", len(counts), strings.Join(counts, " and "))
	return nil, nil
}
