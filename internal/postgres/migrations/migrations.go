// Package migrations makes the database's tables: the numbered migrations, and the partitions of the notifications as time goes on. Its
// one rule: processes of the version before go on while a migration runs and after it, see docs/database.md, "Changing the schema".
package migrations

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS

// Up brings the schema up to date, and makes the partitions that will be needed soon. Several may run at once: a session lock lets one
// work while the others wait.
func Up(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("make the migration lock: %w", err)
	}
	// One that is merged later may have the lower number: numbers are given out when the work begins.
	provider, err := goose.NewProvider(goose.DialectPostgres, db, Files, goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		log.Info("migrated", "file", r.Source.Path, "took", r.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return firstPartitions(ctx, config, log)
}

// firstPartitions makes the partitions before the first notification comes.
func firstPartitions(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("migrate: connect: %w", err)
	}
	defer conn.Close(ctx)
	now := time.Now()
	made, err := MakePartitions(ctx, conn, now, Ahead(now))
	for _, name := range made {
		log.Info("partition made", "table", name)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
