package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

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

func TestAStatementOrALockThatTakesTooLongIsAnAwayRecord(t *testing.T) {
	t.Parallel()
	url := newStore(t).pool.Config().ConnString()
	s := openStore(t, url+"&statement_timeout=200ms")
	_, err := s.pool.Exec(t.Context(), `select pg_sleep(60)`)
	require.Equal(t, payment.Unavailable, payment.KindOf(interpret("sleep", err)))

	s = openStore(t, url+"&lock_timeout=200ms")
	holder, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `select pg_advisory_xact_lock(4711)`)
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `select pg_advisory_xact_lock(4711)`)
	require.Equal(t, payment.Unavailable, payment.KindOf(interpret("lock", err)))
	require.NoError(t, holder.Rollback(t.Context()))
}

// A server that was demoted, or is being shut down, is asked once more at most by each connection.
func TestAConnectionThatFailsForItsServersSakeIsThrownAway(t *testing.T) {
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
		require.Equal(t, payment.Unavailable, payment.KindOf(interpret("spoil", err)), name)
		require.Equal(t, 1, s.open(t, newPayment("taken")).Version, name)
		require.NotEqual(t, first, s.number(t, `select pg_backend_pid()`), name)
	}
}

// Of several hosts the record is the one that takes writes, wherever it stands in the address.
func TestAnAddressOfSeveralHostsLeadsToTheOneThatTakesWrites(t *testing.T) {
	t.Parallel()
	s := openStore(t, "postgres://onlywave@127.0.0.1:1,127.0.0.1:2/onlywave?sslmode=disable")
	require.NotNil(t, s.pool.Config().ConnConfig.ValidateConnect)
	s = openStore(t, "postgres://onlywave@127.0.0.1:1/onlywave?sslmode=prefer")
	require.Nil(t, s.pool.Config().ConnConfig.ValidateConnect, "with and without TLS it is one")
}
