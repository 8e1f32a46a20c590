// Package postgrestest gives tests a database of their own. Its one rule: each is a copy that one test writes to, made of a template
// that is migrated once in a process. The test's TestMain starts Postgres, see devstacktest.Main.
package postgrestest

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/postgres/migrations"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// template is the shared stack's own database.
var template = sync.OnceValue(func() error {
	config, err := pgx.ParseConfig(devstacktest.Shared().PostgresURL())
	if err != nil {
		return err
	}
	return migrations.Up(context.Background(), config, slog.New(slog.DiscardHandler))
})

// New is the address of a database with all tables.
func New(t testing.TB) string {
	t.Helper()
	require.NoError(t, template())
	return devstacktest.FreshDatabase(t)
}

// At is the address of a database as an earlier version has left it: with the migrations up to that number, and no more. 0 is none.
func At(t testing.TB, number int64) string {
	t.Helper()
	url := devstacktest.EmptyDatabase(t)
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	db := stdlib.OpenDB(*config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	require.NoError(t, err)
	_, err = provider.UpTo(t.Context(), number)
	require.NoError(t, err)
	return url
}
