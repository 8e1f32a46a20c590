// Package devstacktest gives tests their services: real ones, thrown away afterwards. Its one rule: a test names the
// services it needs and nothing else, no addresses, no clean-up.
//
// Starting takes seconds, so a package starts them once and its tests share them:
//
//	func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Postgres) }
//
//	func TestSomething(t *testing.T) {
//		url := devstacktest.FreshDatabase(t)
//
// A test that kills or pauses a service has its own stack: Start.
package devstacktest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

var shared *devstack.Stack

// Main is the body of TestMain: it starts the services, all four when none is named, runs the tests and exits.
func Main(m *testing.M, services ...devstack.Service) {
	MainWith(m, devstack.Options{Services: services})
}

// MainWith is Main for services that need more than their names.
func MainWith(m *testing.M, o devstack.Options) {
	stack, err := devstack.Start(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared = stack
	code := m.Run()
	if err := stack.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Shared is the stack that Main has started.
func Shared() *devstack.Stack {
	if shared == nil {
		panic("devstacktest.Shared without devstacktest.Main in TestMain")
	}
	return shared
}

// Start runs services, all four when none is named, for one test.
func Start(t testing.TB, services ...devstack.Service) *devstack.Stack {
	t.Helper()
	return start(t, devstack.Options{Services: services})
}

// StartWithSentinels runs a Redis with its replica and Sentinels, for one test.
func StartWithSentinels(t testing.TB) *devstack.Stack {
	t.Helper()
	return start(t, devstack.Options{Services: []devstack.Service{devstack.Redis}, Sentinels: true})
}

// StartCluster runs a cluster of three Redis masters and their replicas, for one test.
func StartCluster(t testing.TB) *devstack.Stack {
	t.Helper()
	return start(t, devstack.Options{Services: []devstack.Service{devstack.Redis}, RedisCluster: true})
}

func start(t testing.TB, o devstack.Options) *devstack.Stack {
	t.Helper()
	stack, err := devstack.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	return stack
}

// FreshDatabase makes a database of the shared Postgres for one test and returns its URL. It is a copy of the stack's own database:
// empty, or with the tables that were put there before the first call, by code that has closed its connections since.
func FreshDatabase(t testing.TB) string {
	t.Helper()
	config, err := pgx.ParseConfig(Shared().PostgresURL())
	require.NoError(t, err)
	return database(t, config.Database)
}

// EmptyDatabase makes one that has no tables.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	return database(t, "template1")
}

func database(t testing.TB, template string) string {
	t.Helper()
	name := "test_" + uuid.New().String()
	identifier := pgx.Identifier{name}.Sanitize()
	at := administer(t, "create database "+identifier+" template "+pgx.Identifier{template}.Sanitize())
	t.Cleanup(func() { administer(t, "drop database if exists "+identifier+" with (force)") })
	return fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=disable", at.User, at.Host, at.Port, name)
}

// administrators are connections to a third database: neither a template nor what is dropped may be in use.
var administrators = sync.OnceValues(func() (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(Shared().PostgresURL())
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Database = "postgres"
	return pgxpool.NewWithConfig(context.Background(), config)
})

// administer runs a statement and says where.
func administer(t testing.TB, statement string) *pgx.ConnConfig {
	t.Helper()
	pool, err := administrators()
	require.NoError(t, err)
	_, err = pool.Exec(context.Background(), statement) // the test's own context has ended when clean-up runs
	require.NoError(t, err)
	return pool.Config().ConnConfig
}
