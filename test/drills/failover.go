package drills

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/platform"
)

// withReplicas are the drills in which a replica takes over.
var withReplicas = []Drill{{
	Name: "failover", Shows: "An API process, Postgres' primary and Redis' master are killed while nginx reloads: the others take over, and clients only need to repeat their requests.",
	Replicas: true, Rate: 10, Lasts: 10 * time.Second,
	Strike: []Act{chargesTake(time.Second), shortly, atOnce(killOneAPI, losePrimary, loseMaster, reloadBalancer)},
	Heal:   []Act{disarm, atOnce(restartTheAPI, restartTheLost)},
	Expect: []Expectation{everyClientIsAnswered, othersLead, clientsSaw},
}, {
	Name: "slow-bodies", Shows: "One address with thousands of slow or silent connections uses up only its own share of the balancer.",
	Replicas: true, Rate: 2, Lasts: 30 * time.Second, From: clientsAddress, // the attack takes most of one of two cores itself
	Strike: []Act{attackSlowly}, Heal: []Act{endAttack},
	Expect: []Expectation{noRequestFails, latencyStays, webhooksAreTaken, wasAttacked},
}}

// leaders are the services that have a replica.
type leaders struct {
	postgres, redis devstack.Service
	timeline        int // of Postgres: each promotion begins a new one
}

// atOnce does all acts side by side.
func atOnce(acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, act := range acts {
			group.Go(func() error { return act(ctx, s) })
		}
		return group.Wait()
	}
}

// operatorTakes is the time until an operator has noticed the loss of the primary and promotes the replica.
const operatorTakes = 3 * time.Second

// losePrimary kills Postgres' primary with SIGKILL, and promotes the replica after a while.
func losePrimary(ctx context.Context, s *Scene) (err error) {
	if s.lost.timeline, _, err = s.timeline(ctx); err != nil {
		return err
	}
	s.lost.postgres = s.Stack.PostgresPrimary()
	if err := s.Stack.Process(s.lost.postgres).Kill(); err != nil {
		return err
	}
	if !platform.Pause(ctx, operatorTakes) {
		return ctx.Err()
	}
	return s.Stack.Promote(ctx)
}

// loseMaster kills Redis' master with SIGKILL, and waits until the Sentinels have promoted the other one.
func loseMaster(ctx context.Context, s *Scene) (err error) {
	if s.lost.redis, err = s.Stack.RedisMaster(ctx); err != nil {
		return err
	}
	if err := s.Stack.Process(s.lost.redis).Kill(); err != nil {
		return err
	}
	for {
		if master, err := s.Stack.RedisMaster(ctx); err == nil && master != s.lost.redis {
			return nil
		}
		if !platform.Pause(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
}

func reloadBalancer(ctx context.Context, s *Scene) error { return s.ReloadBalancer(ctx) }

// restartTheLost starts the former leaders as replicas of the new ones.
func restartTheLost(ctx context.Context, s *Scene) error {
	return atOnce(restart(s.lost.postgres), restart(s.lost.redis))(ctx, s)
}

// othersLead: the new leaders still lead at the end, and Postgres has a synchronous replica again.
func othersLead(ctx context.Context, s *Scene) ([]Objection, error) {
	timeline, replicas, err := s.timeline(ctx)
	if err != nil {
		return nil, err
	}
	master, err := s.Stack.RedisMaster(ctx)
	if err != nil {
		return nil, err
	}
	var objections []Objection
	if timeline != s.lost.timeline+1 {
		objections = append(objections, object("others lead", "", "Postgres' timeline was %d and is %d", s.lost.timeline, timeline))
	}
	if replicas != 1 {
		objections = append(objections, object("others lead", "", "Postgres' primary has %d synchronous replicas", replicas))
	}
	if master == s.lost.redis {
		objections = append(objections, object("others lead", "", "%s is the master again", master))
	}
	return objections, nil
}

// timeline asks Postgres' primary for its timeline, and how many synchronous replicas it has.
func (s *Scene) timeline(ctx context.Context) (timeline, replicas int, err error) {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	err = conn.QueryRow(ctx, `
		select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int,
		       (select count(*) from pg_stat_replication where sync_state = 'sync')`).Scan(&timeline, &replicas)
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the timeline: %w", err)
	}
	return timeline, replicas, nil
}

// clientsSaw remarks how many requests and reads failed at first.
func clientsSaw(_ context.Context, s *Scene) ([]Objection, error) {
	repeated := 0
	for _, i := range s.Log.Intents {
		if len(i.Answers) > 1 {
			repeated++
		}
	}
	c := s.Log.Counts
	s.remark("of %d requests %d failed at first, %d after repetitions; slowest %s; of %d reads %d failed", c.Asked, repeated,
		c.Asked-c.Acknowledged, latency(s.Log, 100), c.Reads, c.ReadsFailed)
	return nil, nil
}
