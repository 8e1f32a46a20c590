package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/postgres/migrations"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
)

// received is a notification of a time.
func received(id string, at time.Time) Notification {
	n := notification(id)
	n.ReceivedAt = at.UTC().Truncate(time.Microsecond)
	return n
}

// in counts a partition's rows.
func (s *Store) in(t *testing.T, partition string) int {
	t.Helper()
	return s.number(t, `select count(*) from `+pgx.Identifier{partition}.Sanitize())
}

// partitions lists their names.
func (s *Store) partitions(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		all, err := migrations.Partitions(t.Context(), tx)
		for _, p := range all {
			names = append(names, p.Name)
		}
		return err
	}))
	return names
}

func partitionOf(t time.Time) string {
	return migrations.MonthOf(t).Format("webhook_notifications_2006_01")
}

func TestAFreshDatabaseHasItsNextPartitions(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	now := time.Now()
	require.Len(t, s.partitions(t), 1+migrations.MonthsAhead)
	require.NoError(t, s.Archive(t.Context(), []Notification{received("now", now), received("old", now.AddDate(-1, 0, 0))}))
	require.Equal(t, 1, s.in(t, partitionOf(now)))
	require.Equal(t, 1, s.in(t, "webhook_notifications_other"), "a notification without a partition of its month is kept in the default one")

	made, err := s.MakePartitionsAhead(t.Context(), now)
	require.NoError(t, err)
	require.Empty(t, made)
	made, err = s.MakePartitionsAhead(t.Context(), migrations.MonthOf(now).AddDate(0, 2, 14))
	require.NoError(t, err)
	require.Equal(t, []string{partitionOf(migrations.Ahead(now).AddDate(0, 1, 0)), partitionOf(migrations.Ahead(now).AddDate(0, 2, 0))}, made)
}

// A partition that is made late takes over its rows from the default partition. Duplicates are recognised before and after.
func TestAPartitionTakesOverWhatCameBeforeIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	march := []Notification{
		received("first", time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)),
		received("last", time.Date(2026, time.March, 31, 23, 59, 59, 999_999_000, time.UTC)),
	}
	april := received("april", time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, s.Archive(t.Context(), append(march, april)))
	require.Equal(t, 3, s.in(t, "webhook_notifications_other"))

	for range 2 {
		_, err := s.MakePartitions(t.Context(), timeAt(0), timeAt(1))
		require.NoError(t, err)
		require.Equal(t, 2, s.in(t, "webhook_notifications_2026_03"))
		require.Equal(t, 1, s.in(t, "webhook_notifications_other"))
		require.NoError(t, s.Archive(t.Context(), append(march, april)))
		require.Equal(t, 3, s.in(t, "webhook_notifications"))
	}
}

// Several processes make partitions while others write to them. No notification is lost, duplicated or refused.
func TestPartitionsAreMadeWhileNotificationsCome(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	from := time.Date(2025, time.January, 15, 0, 0, 0, 0, time.UTC)
	const each = 40
	sideBySide(t, 6, func(i int) error {
		ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
		defer cancel()
		if i < 2 {
			_, err := s.MakePartitions(ctx, from, from.AddDate(0, 5, 0))
			return err
		}
		for n := range each {
			if err := s.Archive(ctx, []Notification{received(fmt.Sprint(i, "-", n), from.AddDate(0, n%6, 0))}); err != nil {
				return err
			}
		}
		return nil
	})
	require.Equal(t, 4*each, s.in(t, "webhook_notifications"))
	require.Zero(t, s.in(t, "webhook_notifications_other"))
	require.Len(t, s.partitions(t), 6+1+migrations.MonthsAhead)
}

// A database of an earlier version has notifications. All of them stay, and one that comes again is a duplicate.
func TestADatabaseWithNotificationsIsPartitionedInPlace(t *testing.T) {
	t.Parallel()
	url := postgrestest.At(t, 7)
	s := openStore(t, url)
	now := time.Now()
	kept := []Notification{received("now", now), received("spring", timeAt(0)), received("last year", now.AddDate(-1, 0, 0))}
	require.NoError(t, s.Archive(t.Context(), kept), "this version on the database of the version before")
	const content = `select coalesce(string_agg(n::text, E'\n' order by id), '') from webhook_notifications n`
	before := s.text(t, content)

	for range 2 {
		require.NoError(t, Migrate(t.Context(), url, silent))
		require.Equal(t, before, s.text(t, content))
		require.Equal(t, len(kept), s.in(t, "webhook_notifications_before"))
		require.NoError(t, s.Archive(t.Context(), kept))
		require.Equal(t, len(kept), s.in(t, "webhook_notifications"))
	}
	next := migrations.MonthOf(now).AddDate(0, 1, 0)
	require.NoError(t, s.Archive(t.Context(), []Notification{received("next month", next)}))
	require.Equal(t, 1, s.in(t, partitionOf(next)))
	require.Equal(t, 2, s.number(t, `select count(*) from pg_indexes where tablename = 'webhook_notifications_before'`), "no index is there twice")
	require.Zero(t, s.number(t, `select count(*) from pg_index where not indisvalid`))
}

// The migration that builds an index beside the running service may be interrupted, and is run again.
func TestAnInterruptedMigrationIsRunAgain(t *testing.T) {
	t.Parallel()
	url := postgrestest.At(t, 7)
	s := openStore(t, url)
	_, err := s.pool.Exec(t.Context(), `create index webhook_notifications_key on webhook_notifications (id)`)
	require.NoError(t, err)
	require.NoError(t, Migrate(t.Context(), url, silent))
	require.False(t, strings.Contains(s.text(t, `select indexdef from pg_indexes where indexname = 'webhook_notifications_pkey'`), "(id)"))
}
