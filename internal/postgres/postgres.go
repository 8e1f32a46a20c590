// Package postgres is the database: payments, their operations and events, API keys, and webhooks
// as they were received. Its one rule: a change of a payment, its event and its operation are one statement, so
// that no crash can leave one without the others; and every statement is safe to run twice.
//
// The SQL is written by hand, a constant above the one method that runs it: the statements that
// matter are guarded, multi-table and single-round-trip, which is where generated queries stop helping.
package postgres

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/onlywave/onlywave/internal/blindindex"
	"github.com/onlywave/onlywave/internal/postgres/migrations"
)

// Store reads and writes the database. It uses the primary, but for lists, see Follow.
type Store struct {
	pool    *pgxpool.Pool
	replica *replica // nil without one
	metrics metrics
	clock   clock

	emailKeys blindindex.Keys // see IndexEmails
}

// Open makes a Store on a pool for url (postgres://…). It does not connect yet: while the database
// is unavailable each call fails with kind Unavailable, and works again as soon as it has recovered. The address may name several
// hosts: the one that takes writes is used, also when that is another one than before.
func Open(ctx context.Context, url string, maxConns int32) (*Store, error) {
	s := &Store{metrics: newMetrics()}
	var err error
	s.pool, err = openPool(ctx, url, maxConns, pgconn.ValidateConnectTargetSessionAttrsReadWrite, s.clock.connected)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for the connections in use and closes them all.
func (s *Store) Close() {
	s.replica.close()
	s.pool.Close()
}

// Ready says whether the database answers, and compares its clock with ours.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.Now(ctx)
	return err
}

// Migrate brings the schema up to date, of several hosts where writes are taken, see migrations.Up.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse the database's address: %w", err)
	}
	choose(&config.ConnConfig.Config, pgconn.ValidateConnectTargetSessionAttrsReadWrite)
	config.ConnConfig.RuntimeParams["lock_timeout"] = "5s" // rather fail than queue the whole service behind a lock
	return migrations.Up(ctx, config.ConnConfig, log)
}
