package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/workflows"
)

// reconcileCommand compares the provider's books with ours out of turn.
func reconcileCommand(environ []string) *cobra.Command {
	reconcile := &cobra.Command{Use: "reconcile", Short: "Compare Mercado Pago's books with ours"}
	reconcile.AddCommand(&cobra.Command{Use: "now", Short: "Start a run now, without waiting for the schedule", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := settings(config.Reconcile, environ)
			if err != nil {
				return err
			}
			temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer temporal.Close()
			return workflows.ReconcileNow(cmd.Context(), temporal)
		}})
	return reconcile
}
