package drills

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform/platformtest"
)

// Three of the drills, short, and one whose fault no platform could heal: it is there to be objected to, where the record
// has moved to another Postgres before.
func TestAFewDrills(t *testing.T) {
	platformtest.TakePlace(t)
	chosen, err := Choose(All(), "worker-killed,rabbitmq-killed,failover")
	require.NoError(t, err)
	chosen = append(chosen, Drill{Name: "history-torn", Doubled: true, Strike: []Act{tearAHistory}})
	for i := range chosen {
		chosen[i].Rate, chosen[i].Lasts = 2, 2*time.Second // a busy machine must carry it
	}
	var told bytes.Buffer
	program, env := platformtest.Program()
	err = Run(t.Context(), Options{
		Program: program, Env: env, Drills: chosen, Seed: 7, Out: &told,
	})
	require.EqualError(t, err, "1 drills failed", told.String())
	require.Regexp(t, "`worker-killed` .* passed", told.String())
	require.Regexp(t, "`rabbitmq-killed` .* passed", told.String())
	require.Regexp(t, "`failover` .* of 24 requests \\d+ failed at first, 0 after repetitions; .* passed", told.String())
	require.Contains(t, told.String(), "the history is whole and allowed: payment ")
}

// tearAHistory takes the first event out of every history, as nothing of ours does.
func tearAHistory(ctx context.Context, s *Scene) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "delete from payment_events where seq = 1")
	return err
}
