package devstacktest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres) }

func TestFreshDatabasesAreCopiesOfTheirOwn(t *testing.T) {
	stack := devstacktest.Shared()
	run(t, stack.PostgresURL(), "create table template (id int)")
	var gone string
	t.Run("inner", func(t *testing.T) {
		first, second := devstacktest.FreshDatabase(t), devstacktest.FreshDatabase(t)
		for _, url := range []string{first, second} {
			run(t, url, "insert into template values (1)")
			run(t, url, "create table own (id int)")
		}
		gone = first
	})
	_, err := pgx.Connect(t.Context(), gone)
	require.ErrorContains(t, err, "does not exist")
}

func run(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, err)
}
