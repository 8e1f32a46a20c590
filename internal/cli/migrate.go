package cli

import (
	"context"
	"log/slog"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
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
	return workflows.KeepReconciling(ctx, temporal, c.ReconcileEvery, c.ReconcileGrace)
}
