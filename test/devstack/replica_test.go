package devstack

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

var pair = []Service{Postgres, PostgresReplica}

// number asks a Postgres for one.
func number(t *testing.T, url, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&n))
	return n
}

const (
	isReplica = "select pg_is_in_recovery()::int"
	counted   = "select count(*) from counted"
	oneMore   = "insert into counted values (1)"
)

func TestAReplicaTakesOver(t *testing.T) {
	t.Parallel()
	stack, err := Start(t.Context(), Options{Services: pair})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	require.Equal(t, 0, number(t, stack.PostgresURL(), isReplica))
	require.Equal(t, 1, number(t, stack.PostgresReplicaURL(), isReplica))
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), "create table counted (id int)", oneMore))

	// Both directions: what was acknowledged is there, and the old primary comes back as a replica.
	old := Postgres
	for round := range 2 {
		require.NoError(t, stack.Promote(t.Context()))
		requireClosed(t, stack.Process(old).Exited())
		require.FileExists(t, filepath.Join(stack.Process(old).spec.Args[1], standbySignal), "an old primary that is started by hand is no primary")
		require.Equal(t, 1+2*round, number(t, stack.PostgresURL(), counted))
		require.Error(t, postgresExec(t.Context(), stack.PostgresReplicaURL(), "select 1"), "there is none")
		require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore), "without a replica")

		require.NoError(t, stack.Process(old).Restart(t.Context()))
		require.Equal(t, 1, number(t, stack.PostgresReplicaURL(), isReplica))
		require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore))
		require.Eventually(t, func() bool { return number(t, stack.PostgresReplicaURL(), counted) == 3+2*round }, startLimit, pollEvery)
		old = other(old)
	}
}

func TestThePrimaryAcknowledgesNothingWithoutItsReplica(t *testing.T) {
	t.Parallel()
	stack, err := Start(t.Context(), Options{Services: pair})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), "create table counted (id int)"))

	require.NoError(t, stack.Process(PostgresReplica).Kill())
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.Error(t, postgresExec(ctx, stack.PostgresURL(), oneMore))
	require.NoError(t, stack.Process(PostgresReplica).Restart(t.Context()))
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore))

	shown := number(t, stack.PostgresURL(), counted)
	require.Eventually(t, func() bool { return number(t, stack.PostgresReplicaURL(), counted) == shown }, startLimit, pollEvery)
	require.NoError(t, stack.DelayReplica(t.Context(), time.Hour))
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore), "the replica has it and does not show it")
	require.Equal(t, shown, number(t, stack.PostgresReplicaURL(), counted))
	require.Equal(t, shown+1, number(t, stack.PostgresURL(), counted))
	require.NoError(t, stack.Promote(t.Context()))
	require.Equal(t, shown+1, number(t, stack.PostgresURL(), counted))
}

// A kept folder's second start goes on from the last primary, with a replica and without.
func TestASecondStartFindsThePromotedData(t *testing.T) {
	t.Parallel()
	options := Options{Dir: t.TempDir(), Services: pair}
	start := func(services ...Service) *Stack {
		options.Services = services
		stack, err := Start(t.Context(), options)
		require.NoError(t, err)
		return stack
	}
	stack := start(pair...)
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), "create table counted (id int)"))
	require.NoError(t, stack.Promote(t.Context()))
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore))
	require.NoError(t, stack.Stop())

	stack = start(Postgres)
	require.Equal(t, 1, number(t, stack.PostgresURL(), counted))
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore))
	require.NoError(t, stack.Stop())

	stack = start(pair...)
	require.Equal(t, 2, number(t, stack.PostgresReplicaURL(), counted))
	require.NoError(t, stack.Stop())

	stack = start(Postgres)
	require.NoError(t, postgresExec(t.Context(), stack.PostgresURL(), oneMore), "it does not wait for a replica that is no more")
	require.NoError(t, stack.Stop())
}
