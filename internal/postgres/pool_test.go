package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestSessionsHaveTheirSettings(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	settings := func(s *Store) string {
		return s.text(t, `select concat_ws(' ', current_setting('application_name'), current_setting('statement_timeout'),
			current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))`)
	}
	require.Equal(t, "onlywave 30s 5s 30s", settings(s))
	own := openStore(t, s.pool.Config().ConnString()+"&statement_timeout=1s&application_name=reports")
	require.Equal(t, "reports 1s 5s 30s", settings(own), "the address rules")
}

func TestAStatementOrALockThatTakesTooLongIsUnavailable(t *testing.T) {
	t.Parallel()
	url := newStore(t).pool.Config().ConnString()
	s := openStore(t, url+"&statement_timeout=200ms")
	_, err := s.pool.Exec(t.Context(), `select pg_sleep(60)`)
	require.Equal(t, failure.Unavailable, failure.KindOf(interpret("sleep", err)))

	s = openStore(t, url+"&lock_timeout=200ms")
	holder, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `select pg_advisory_xact_lock(4711)`)
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `select pg_advisory_xact_lock(4711)`)
	require.Equal(t, failure.Unavailable, failure.KindOf(interpret("lock", err)))
	require.NoError(t, holder.Rollback(t.Context()))
}

// A server that was demoted, or is being shut down, is asked once more at most by each connection.
func TestAConnectionThatItsServerEndsIsClosed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"read-only":     `set default_transaction_read_only = on`,
		"shutting down": `select pg_terminate_backend(pg_backend_pid())`,
	} {
		s, err := Open(t.Context(), newStore(t).pool.Config().ConnString(), 1)
		require.NoError(t, err)
		t.Cleanup(s.Close)
		first := s.number(t, `select pg_backend_pid()`)
		_, err = s.pool.Exec(t.Context(), spoil)
		if err == nil {
			require.Equal(t, first, s.number(t, `select pg_backend_pid()`))
			_, _, err = s.OpenPayment(t.Context(), newPayment("refused"))
		}
		require.Equal(t, failure.Unavailable, failure.KindOf(interpret("spoil", err)), name)
		require.Equal(t, 1, s.open(t, newPayment("taken")).Version, name)
		require.NotEqual(t, first, s.number(t, `select pg_backend_pid()`), name)
	}
}

// Of several hosts the Store uses the one that takes writes, whatever its position in the address.
func TestAnAddressOfSeveralHostsLeadsToTheOneThatTakesWrites(t *testing.T) {
	t.Parallel()
	s := openStore(t, "postgres://onlywave@127.0.0.1:1,127.0.0.1:2/onlywave?sslmode=disable")
	require.NotNil(t, s.pool.Config().ConnConfig.ValidateConnect)
	s = openStore(t, "postgres://onlywave@127.0.0.1:1/onlywave?sslmode=prefer")
	require.Nil(t, s.pool.Config().ConnConfig.ValidateConnect, "with and without TLS it is one")
}

// All sessions may end at once, as when Postgres restarts or an administrator ends them. A read then still gets an answer.
func TestReadsOutliveTheirSessions(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.open(t, newPayment("order-1"))
	administrator := openStore(t, s.pool.Config().ConnString())
	reads := map[string]func() error{
		"payment": func() error { _, err := s.Payment(t.Context(), p.ID); return err },
		"payments": func() error {
			_, _, err := s.Payments(t.Context(), payment.Filter{ClientID: "shop", Limit: 10})
			return err
		},
		"events":       func() error { _, err := s.Events(t.Context(), p.ID, 0, 10); return err },
		"dead letters": func() error { _, err := s.DeadLetters(t.Context(), deadletter.Filter{Limit: 10}); return err },
		"gauges":       func() error { _, err := s.Gauges(t.Context()); return err },
		"ready":        func() error { return s.Ready(t.Context()) },
	}
	answered := map[string]*atomic.Int64{}
	var over, failed atomic.Bool
	var group errgroup.Group
	for name, ask := range reads {
		count := &atomic.Int64{}
		answered[name] = count
		group.Go(func() error {
			for !over.Load() {
				if err := ask(); err != nil {
					failed.Store(true)
					return fmt.Errorf("%s: %w", name, err)
				}
				count.Add(1)
			}
			return nil
		})
	}
	for name, count := range answered { // there are sessions to end
		require.Eventually(t, func() bool { return failed.Load() || count.Load() > 0 }, testTimeout, time.Millisecond, name)
	}
	for range 20 {
		ended := 0
		for ended == 0 && !failed.Load() { // on a busy machine all may be on their way to new sessions
			ended = administrator.number(t, `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
		}
		before := map[string]int64{}
		for name, count := range answered {
			before[name] = count.Load()
		}
		for name, count := range answered { // each has its answer, be it to the second try, before the next end
			require.Eventually(t, func() bool { return failed.Load() || count.Load() > before[name]+2 }, testTimeout, time.Millisecond, name)
		}
	}
	over.Store(true)
	require.NoError(t, group.Wait())
}

// A read is not repeated when the server refused it or the caller has given up.
func TestAReadIsRepeatedForItsSessionOnly(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	asked := 0
	count := func(query string) func(*pgxpool.Conn) error {
		return func(conn *pgxpool.Conn) error {
			asked++
			_, err := conn.Exec(t.Context(), query)
			return err
		}
	}
	require.Error(t, read(t.Context(), s.pool, count(`select 1/0`)))
	require.Equal(t, 1, asked)
	require.Error(t, read(t.Context(), s.pool, count(`select pg_terminate_backend(pg_backend_pid())`)))
	require.Equal(t, 1+readTries, asked, "and not again")

	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, read(ctx, s.pool, func(conn *pgxpool.Conn) error {
		asked++
		cancel()
		_, err := conn.Exec(ctx, `select pg_sleep(60)`)
		return err
	}), context.Canceled)
	require.Equal(t, 1+readTries+1, asked)
}
