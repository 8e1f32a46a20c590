package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/bench/record"
)

// benchRecordCommand measures what reading costs when the record is large.
func benchRecordCommand(out io.Writer) *cobra.Command {
	o := record.Options{Out: out}
	cmd := &cobra.Command{Use: "record", Short: "Measure reads of a record of millions of payments", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = product(); err != nil {
				return err
			}
			return record.Run(cmd.Context(), o)
		}}
	cmd.Flags().IntVar(&o.Payments, "payments", 5_000_000, "how many; 3 GB for each million, and as much time")
	cmd.Flags().Float64Var(&o.Rate, "rate", 100, "questions a second")
	cmd.Flags().DurationVar(&o.Length, "length", 3*time.Minute, "of asking")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "of what is asked for")
	cmd.Flags().StringVar(&o.Dir, "data", "", "folder that keeps the record, to be asked again; empty: it is thrown away")
	cmd.Flags().StringVar(&o.Report, "report", "test/bench/record/results/README.md", "the page whose tables are made anew; empty: none")
	return cmd
}
