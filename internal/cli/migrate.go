package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// indexTime is for how long migrate indexes old payments, because a new version waits for it. The next migrate continues.
const indexTime = 5 * time.Minute

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
	return indexOldEmails(ctx, c, log)
}

// indexOldEmails indexes the payments of before there was a key, or of before another key.
func indexOldEmails(ctx context.Context, c config.Config, log *slog.Logger) error {
	if len(c.SearchKey) == 0 {
		log.Info("payments are not indexed by e-mail: SEARCH_KEY is not set")
		return nil
	}
	database, err := postgres.Open(ctx, string(c.DatabaseURL), 1)
	if err != nil {
		return err
	}
	defer database.Close()
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
