package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/test/drills"
)

// drillCommand breaks a throw-away platform in many ways, and checks every payment.
func drillCommand(out io.Writer) *cobra.Command {
	o := drills.Options{Out: out}
	var name string
	var soak time.Duration
	var list bool
	cmd := &cobra.Command{Use: "drill", Short: "Break a throw-away platform under load, and check every payment", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			all := drills.All()
			if soak > 0 {
				all = []drills.Drill{drills.Soak(soak)}
			}
			if o.Drills, err = drills.Choose(all, name); err != nil {
				return err
			}
			if list {
				return listDrills(o.Drills, out)
			}
			if o.Program, err = product(); err != nil {
				return err
			}
			if o.Seed == 0 {
				o.Seed = uint64(time.Now().Unix())
			}
			if name != "" || soak > 0 {
				o.Report = "" // the page shows complete runs only
			}
			return drills.Run(cmd.Context(), o)
		}}
	cmd.Flags().StringVar(&name, "name", "", "only these drills: names or regular expressions, separated by commas")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 0, "seed of everything random; 0: from the clock")
	cmd.Flags().DurationVar(&soak, "soak", 0, "inject random faults for that long, instead of the drills")
	cmd.Flags().BoolVar(&list, "list", false, "list the drills and stop")
	cmd.Flags().StringVar(&o.Report, "report", "docs/drills.md", "the page whose table is replaced; empty: none")
	cmd.Flags().StringVar(&o.Keep, "keep", ".data/drills", "folder for the logs of drills that failed")
	return cmd
}

func listDrills(all []drills.Drill, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, d := range all {
		fmt.Fprintf(table, "%s\t%s\n", d.Name, d.Shows)
	}
	return table.Flush()
}
