package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/resets"
)

// resetsCommand resets every recorded history at every point, on a throw-away platform.
func resetsCommand(out io.Writer) *cobra.Command {
	o := resets.Options{Out: out}
	cmd := &cobra.Command{Use: "resets", Short: "Reset every recorded history at every point, and check every payment", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Program, err = product(); err != nil {
				return err
			}
			if o.Only != "" {
				o.Report = "" // the page shows complete runs only
			}
			return resets.Run(cmd.Context(), o)
		}}
	cmd.Flags().StringVar(&o.Only, "name", "", "only histories whose name matches this regular expression; empty: all")
	cmd.Flags().StringVar(&o.Histories, "histories", "workflows/testdata/histories", "the folder of the recorded histories")
	cmd.Flags().StringVar(&o.Report, "report", "docs/resets.md", "the page whose table is replaced; empty: none")
	cmd.Flags().IntVar(&o.AtOnce, "at-once", 12, "how many resets are under way, from 1 to 200")
	return cmd
}
