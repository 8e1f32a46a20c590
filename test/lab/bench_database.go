package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/bench/database"
)

// benchDatabaseCommand measures reads from a large database.
func benchDatabaseCommand(out io.Writer) *cobra.Command {
	o := database.Options{Out: out}
	cmd := &cobra.Command{Use: "database", Short: "Measure reads from a database of millions of payments", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = product(); err != nil {
				return err
			}
			return database.Run(cmd.Context(), o)
		}}
	cmd.Flags().IntVar(&o.Payments, "payments", 5_000_000, "payments in the database; a million takes 3 GB")
	cmd.Flags().Float64Var(&o.Rate, "rate", 100, "requests a second")
	cmd.Flags().DurationVar(&o.Length, "length", 3*time.Minute, "length of the measurement")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the requests")
	cmd.Flags().StringVar(&o.Dir, "data", "", "folder that keeps the database for the next run; empty: a temporary one")
	cmd.Flags().StringVar(&o.Report, "report", "test/bench/database/results/README.md", "the page whose tables are replaced; empty: none")
	return cmd
}
