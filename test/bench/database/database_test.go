package database

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres) }

const few = 3000

// schema is every index and key in the catalog.
const schema = `select string_agg(d, E'\n' order by d) from (
	select indexdef as d from pg_indexes where schemaname = 'public' and tablename not like 'webhook_notifications%'
	union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace and conrelid::regclass::text not like 'webhook%') s`

const content = `select md5((select string_agg(p::text, '' order by id) from payments p) || (select string_agg(e::text, '' order by payment_id, seq) from payment_events e)
	|| (select string_agg(o::text, '' order by provider_key) from operations o) || (select string_agg(f.kind || f.found_at, '' order by f.id) from findings f))`

// filled is a bench on a small database.
func filled(t *testing.T, end time.Time) (b *bench, schemas [2]string) {
	t.Helper()
	url := devstacktest.FreshDatabase(t)
	require.NoError(t, postgres.Migrate(t.Context(), url, quiet))
	store, err := postgres.Open(t.Context(), url, 2)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	b = &bench{Options: Options{Payments: few, Out: io.Discard}, stack: devstacktest.Shared(), conn: conn, store: store}
	schemas[0] = b.text(t, schema)
	require.NoError(t, fill(t.Context(), store, conn, few, end, io.Discard))
	schemas[1] = b.text(t, schema)
	return b, schemas
}

func (b *bench) text(t *testing.T, query string) (text string) {
	t.Helper()
	require.NoError(t, b.conn.QueryRow(t.Context(), query).Scan(&text))
	return text
}

func (b *bench) number(t *testing.T, query string) (n int) {
	t.Helper()
	require.NoError(t, b.conn.QueryRow(t.Context(), query).Scan(&n))
	return n
}

func TestTheSameNumbersMakeTheSameDatabase(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	b, schemas := filled(t, end)
	require.Equal(t, schemas[0], schemas[1], "the indexes and keys are the migrations' own")
	again, _ := filled(t, end)
	require.Equal(t, b.text(t, content), again.text(t, content))

	require.Equal(t, few, b.number(t, `select count(*) from payments`))
	require.Equal(t, few, b.number(t, `select count(*) from operations`))
	require.Zero(t, b.number(t, `select count(*) from payments p where version <> (select count(*) from payment_events e where e.payment_id = p.id)
		or status <> (select status from payment_events e where e.payment_id = p.id and e.seq = p.version)`))
	require.Zero(t, b.number(t, `select count(*) from webhook_notifications_other`), "each month has its own partition")
	require.Equal(t, few/5, b.number(t, `select count(*) from webhook_notifications`))
	require.Greater(t, b.number(t, `select count(distinct status) from payments`), 7)
}

// The payments to read are computed without reading rows, and they exist.
func TestThePaymentsToReadExist(t *testing.T) {
	t.Parallel()
	b, _ := filled(t, until())
	k, err := learn(t.Context(), b.conn, few, until(), 1)
	require.NoError(t, err)
	for _, client := range clients {
		require.NotEmpty(t, k.ids[client])
		for _, id := range k.ids[client][:5] {
			p, err := b.store.Payment(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, client, p.ClientID)
		}
	}
	for _, q := range k.questions() {
		require.NotEmpty(t, q.paths, q.name)
		require.NotZero(t, q.weight, q.name)
	}
}

func TestThePlansAreThoseOfTheStoresOwnStatements(t *testing.T) {
	t.Parallel()
	b, _ := filled(t, until())
	explainedStore, err := postgres.Open(t.Context(), b.conn.Config().ConnString()+explained, 1)
	require.NoError(t, err)
	defer explainedStore.Close()
	for _, w := range b.workers(explainedStore) {
		plan, err := b.plan(t.Context(), func(int) error { return w.ask(t.Context()) })
		require.NoError(t, err, w.name)
		require.Contains(t, plan, "(actual time=", w.name)
		require.NotContains(t, plan, "never executed)", w.name)
	}
	plan, err := b.plan(t.Context(), func(int) error {
		_, _, err := explainedStore.Payments(t.Context(), payment.Filter{ClientID: clients[0], Status: payment.Approved, Limit: 21})
		return err
	})
	require.NoError(t, err)
	require.Contains(t, plan, "payments_list_status")
	require.NotContains(t, strings.TrimSpace(plan), "LOG:")
}

func TestATableTellsWhatIsTooSlow(t *testing.T) {
	t.Parallel()
	a := &answers{about: "About.", took: map[string][]time.Duration{}, failed: map[string]int{}, questions: []question{
		{name: machineItself, limit: byID}, {name: "fast", limit: byID}, {name: "slow", limit: byID}, {name: "never", limit: byID},
	}}
	for i := range 200 {
		a.answered(machineItself, time.Duration(i)*time.Microsecond, nil)
		a.answered("fast", 2*time.Millisecond, nil)
		a.answered("slow", time.Duration(i)*100*time.Microsecond, nil)
	}
	require.Contains(t, a.table(), "| fast | 200 | 2.0 ms | 2.0 ms | 2.0 ms | below 5ms |")
	require.Contains(t, a.table(), "| slow | 200 | 10.0 ms | 19.8 ms | 19.9 ms | **not below 5ms** |")
	require.Contains(t, a.table(), "| never | 0 |")
	for range 10 {
		a.answered(machineItself, 7*time.Millisecond, nil)
	}
	require.Contains(t, a.table(), "| slow | 200 | 10.0 ms | 19.8 ms | 19.9 ms | undecided: an empty request took 7.0 ms |")
}
