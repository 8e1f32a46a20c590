package worker

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Every breaker and every queue has one sample a minute, whichever worker takes it and whether it was restarted. While Redis is
// unavailable the breakers have none. Old samples are removed.
func TestSamplesAreKeptOnceAMinute(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	stack := devstacktest.Start(t, devstack.Redis)
	first, restarted := sampler(t, at, stack), sampler(t, at, stack)
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	actor := audit.Actor{Name: "test"}
	eventually(t, func() bool { return first.Publisher.Ready() == nil }, "the queues are declared")
	samples := func() map[postgres.SampleKind]map[string]int64 {
		all, err := first.Database.Samples(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		found := map[postgres.SampleKind]map[string]int64{postgres.BreakerSample: {}, postgres.QueueSample: {}}
		for _, s := range all {
			found[s.Kind][s.Name] = s.Value
		}
		return found
	}

	require.NoError(t, first.Breakers.Force(t.Context(), actor, breaker.Charge, breaker.Setting{To: breaker.Open, Reason: "test"}))
	eventually(t, func() bool { // again, if a minute ends meanwhile
		_, err := conn.Exec(t.Context(), `delete from samples`)
		require.NoError(t, err)
		began := time.Now().Truncate(time.Minute)
		require.NoError(t, first.sample(t.Context()))
		require.NoError(t, first.Breakers.Force(t.Context(), actor, breaker.Charge, breaker.Setting{To: breaker.Closed, Reason: "test"}))
		require.NoError(t, restarted.sample(t.Context()))
		same := time.Now().Truncate(time.Minute).Equal(began)
		if !same {
			require.NoError(t, first.Breakers.Force(t.Context(), actor, breaker.Charge, breaker.Setting{To: breaker.Open, Reason: "test"}))
		}
		return same
	}, "two workers sample in one minute")
	found := samples()
	require.Len(t, found[postgres.BreakerSample], len(breaker.Names()))
	require.Equal(t, int64(2), found[postgres.BreakerSample][breaker.Charge], "the second of a minute writes nothing")
	for _, queue := range rabbitmq.QueueNames() {
		require.Contains(t, found[postgres.QueueSample], queue)
	}

	_, err = conn.Exec(t.Context(), `update samples set minute = minute - interval '3 days'`)
	require.NoError(t, err)
	require.NoError(t, restarted.sample(t.Context()))
	require.Zero(t, samples()[postgres.BreakerSample][breaker.Charge], "a minute later the breaker is closed")
	var old int
	require.NoError(t, conn.QueryRow(t.Context(), `select count(*) from samples where minute < now() - interval '2 days'`).Scan(&old))
	require.Zero(t, old, "they are kept for two days")

	_, err = conn.Exec(t.Context(), `delete from samples`)
	require.NoError(t, err)
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	require.NoError(t, restarted.sample(t.Context()))
	require.Empty(t, samples()[postgres.BreakerSample])
	require.NotEmpty(t, samples()[postgres.QueueSample])
}

// sampler is a worker with breakers in the stack's Redis.
func sampler(t *testing.T, at env, stack *devstack.Stack) *Worker {
	t.Helper()
	w, _ := newWorker(t, at)
	store, err := redis.Open(stack.RedisURL(), w.Log)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	w.Breakers = breaker.NewFleet(store, "test", w.Log)
	w.Breakers.Audit = func(context.Context, audit.Entry) error { return nil }
	return w
}
