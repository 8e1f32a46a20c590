package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/alerts"
)

// alertsCommand makes every alert fire on a throw-away platform, and resolve again.
func alertsCommand(out io.Writer) *cobra.Command {
	o := alerts.Options{Out: out}
	var only string
	cmd := &cobra.Command{Use: "alerts", Short: "Make every alert fire on a throw-away platform, and resolve again", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Faults, err = alerts.Choose(only); err != nil {
				return err
			}
			if o.Program, err = product(); err != nil {
				return err
			}
			if only != "" {
				o.Report = "" // the page shows complete runs only
			}
			return alerts.Run(cmd.Context(), o)
		}}
	cmd.Flags().StringVar(&only, "only", "", "only these alerts, separated by commas")
	cmd.Flags().StringVar(&o.Report, "report", "docs/alerts.md", "the page whose table is replaced; empty: none")
	return cmd
}
