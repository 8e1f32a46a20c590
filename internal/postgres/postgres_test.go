package postgres

import (
	"context"
	"log/slog"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/migrations"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const testTimeout = 30 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres) }

// newStore is a Store on the test's own database, with the client app that its payments belong to.
func newStore(t *testing.T) *Store {
	t.Helper()
	s := openStore(t, postgrestest.New(t))
	_, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, timeAt(0))
	require.NoError(t, err)
	return s
}

func openStore(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, 8)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// timeAt is a time so many seconds after the beginning of the tests' time.
func timeAt(second int) time.Time {
	return time.Date(2026, time.March, 1, 12, 0, second, 123456000, time.UTC)
}

// number queries the database for one number.
func (s *Store) number(t require.TestingT, query string, args ...any) int {
	var n int
	require.NoError(t, s.pool.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// text queries the database for one text.
func (s *Store) text(t require.TestingT, query string, args ...any) string {
	var text string
	require.NoError(t, s.pool.QueryRow(context.Background(), query, args...).Scan(&text))
	return text
}

// sideBySide calls f so many times at once.
func sideBySide(t *testing.T, times int, f func(i int) error) {
	t.Helper()
	var group errgroup.Group
	start := make(chan struct{})
	for i := range times {
		group.Go(func() error {
			<-start
			return f(i)
		})
	}
	close(start)
	require.NoError(t, group.Wait())
}

func TestMigrationsRunOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	files, err := migrations.Files.ReadDir(".")
	require.NoError(t, err)
	url := devstacktest.EmptyDatabase(t)
	s := openStore(t, url)
	check := func() {
		require.Equal(t, len(files), s.number(t, `select count(*) from goose_db_version where version_id > 0`))
		require.Equal(t, 0, s.number(t, `select count(*) from payments`))
	}
	sideBySide(t, 5, func(int) error { return Migrate(t.Context(), url, silent) })
	check()
	require.NoError(t, Migrate(t.Context(), url, silent))
	check()
}

// Before the migrations have run the database is unavailable, not broken: a process that starts first waits.
func TestADatabaseWithoutTablesIsUnavailable(t *testing.T) {
	t.Parallel()
	s := openStore(t, devstacktest.EmptyDatabase(t))
	_, err := s.Payment(t.Context(), payment.NewID("shop", "k"))
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	require.NoError(t, s.Ready(t.Context()))
}

func TestAnAddressThatCannotBeParsedIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://user:hunter2@host:port/db", "postgres://user:hunter2@h/db?pool_max_conns=x", "user=u password=hunter2 nonsense"} {
		_, err := Open(t.Context(), url, 1)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
		err = Migrate(t.Context(), url, silent)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheStoreRecoversWithPostgres(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Postgres)
	url, server := stack.PostgresURL(), stack.Process(devstack.Postgres)
	require.NoError(t, Migrate(t.Context(), url, silent))
	s := openStore(t, url)
	require.NoError(t, s.Ready(t.Context()))

	require.NoError(t, server.Kill())
	for range 3 { // the broken connection, and those that are refused after it
		_, err := s.Payment(t.Context(), payment.NewID("shop", "k"))
		require.Equal(t, failure.Unavailable, failure.KindOf(err), "%v", err)
		require.Equal(t, failure.Unavailable, failure.KindOf(s.Ready(t.Context())))
		require.Error(t, Migrate(t.Context(), url, silent))
	}

	require.NoError(t, server.Restart(t.Context()))
	require.Eventually(t, func() bool { return s.Ready(t.Context()) == nil }, testTimeout, 10*time.Millisecond)
	// A throw-away server may have lost its last second.
	require.NoError(t, Migrate(t.Context(), url, silent))
	_, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, timeAt(0))
	require.NoError(t, err)
	require.Equal(t, 1, s.open(t, newPayment("back")).Version)
}

// The kernel asks an idle connection's other end for signs of life.
func TestAServerThatVanishesIsMissedInSeconds(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	conn, err := s.pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	socket, err := conn.Conn().PgConn().Conn().(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	got := map[int]int{}
	require.NoError(t, socket.Control(func(fd uintptr) {
		for _, option := range []int{syscall.TCP_KEEPIDLE, syscall.TCP_KEEPINTVL, syscall.TCP_KEEPCNT} {
			got[option], err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option)
			require.NoError(t, err)
		}
	}))
	require.Equal(t, map[int]int{syscall.TCP_KEEPIDLE: 10, syscall.TCP_KEEPINTVL: 5, syscall.TCP_KEEPCNT: 2}, got)
}
