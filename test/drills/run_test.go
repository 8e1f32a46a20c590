package drills

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// Three of the drills, short, and one whose fault no platform can heal: the checker must object to it. It runs after the failover,
// so the checker reads the promoted Postgres.
func TestAFewDrills(t *testing.T) {
	platformtest.TakePlace(t)
	chosen, err := Choose(All(), "worker-killed,rabbitmq-killed,failover")
	require.NoError(t, err)
	chosen = append(chosen, Drill{Name: "history-torn", Replicas: true, Strike: []Act{tearAHistory}})
	for i := range chosen {
		chosen[i].Rate, chosen[i].Lasts = 2, 2*time.Second // a busy machine must carry it
	}
	var out bytes.Buffer
	o, err := platformtest.Plain(t.Context(), platform.Options{})
	require.NoError(t, err)
	err = Run(t.Context(), Options{
		Program: o.Program, Env: o.Env, Drills: chosen, Seed: 7, Out: &out,
	})
	require.EqualError(t, err, "1 drills failed", out.String())
	require.Regexp(t, "`worker-killed` .* passed", out.String())
	require.Regexp(t, "`rabbitmq-killed` .* passed", out.String())
	require.Regexp(t, "`failover` .* of 24 requests \\d+ failed at first, 0 after repetitions; .* passed", out.String())
	require.Contains(t, out.String(), "the history is complete and allowed: payment ")
}

// tearAHistory deletes the first event of every payment, which no code does.
func tearAHistory(ctx context.Context, s *Scene) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "delete from payment_events where seq = 1")
	return err
}
