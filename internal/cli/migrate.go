package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// For how long migrate posts and indexes old payments, because a new version waits for it. The next migrate continues.
const (
	postTime  = 5 * time.Minute
	indexTime = 5 * time.Minute
)

func migrate(ctx context.Context, c config.Config, log *slog.Logger) error {
	if err := postgres.Migrate(ctx, string(c.DatabaseURL), log); err != nil {
		return err
	}
	temporal, err := dialTemporal(c, log)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := workflows.AddSearchAttributes(ctx, temporal, c.TemporalNamespace); err != nil {
		return err
	}
	if err := workflows.KeepPruning(ctx, temporal, retention(c)); err != nil {
		return err
	}
	if err := workflows.KeepReconciling(ctx, temporal, c.ReconcileEvery, c.ReconcileGrace); err != nil {
		return err
	}
	database, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer database.Close()
	if err := postOldPayments(ctx, database, log); err != nil {
		return err
	}
	return indexOldEmails(ctx, c, database, log)
}

// postOldPayments posts the paid payments from before the ledger.
func postOldPayments(ctx context.Context, database *postgres.Store, log *slog.Logger) error {
	posted, more, err := database.PostOldPayments(ctx, time.Now().Add(postTime))
	switch {
	case err != nil:
		return err
	case more:
		log.Warn("not all payments are in the ledger; run onlywave migrate again", "posted", posted)
	default:
		log.Info("all paid payments are in the ledger", "posted", posted)
	}
	return nil
}

// indexOldEmails indexes the payments of before there was a key, or of before another key.
func indexOldEmails(ctx context.Context, c config.Config, database *postgres.Store, log *slog.Logger) error {
	if len(c.SearchKey) == 0 {
		log.Info("payments are not indexed by e-mail: SEARCH_KEY is not set")
		return nil
	}
	database.IndexEmails(emailKeys(c))
	indexed, more, err := database.IndexOldEmails(ctx, time.Now().Add(indexTime))
	switch {
	case err != nil:
		return err
	case more:
		log.Warn("not all payments are indexed by e-mail; run onlywave migrate again", "indexed", indexed)
	default:
		log.Info("all payments are indexed by e-mail", "indexed", indexed)
	}
	return nil
}
