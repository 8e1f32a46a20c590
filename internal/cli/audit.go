package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
)

// auditCommand shows what people did.
func auditCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "audit", Short: "Show who changed what, and when"}
	var f audit.Filter
	list := &cobra.Command{Use: "list", Short: "List what operators and administrators did, and log-ins, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), config.Audit, environ, func(_ config.Config, record *postgres.Store) error {
				entries, err := record.AuditTrail(cmd.Context(), f)
				if err != nil {
					return err
				}
				return printAudit(out, entries)
			})
		}}
	list.Flags().StringVar(&f.Actor, "actor", "", "only what was done in this name")
	list.Flags().StringVar((*string)(&f.Action), "action", "", "only this action, such as key.create")
	list.Flags().StringVar(&f.Object, "object", "", "only what was done to this, such as user/ana")
	list.Flags().Func("from", "only what was done at this time or later, such as 2026-11-01T00:00:00Z", timeFlag(&f.From))
	list.Flags().Func("to", "only what was done before this time", timeFlag(&f.To))
	list.Flags().IntVar(&f.Limit, "limit", 50, "how many at most")
	command.AddCommand(list)
	return command
}

func printAudit(out io.Writer, entries []audit.Entry) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tACTOR\tCHANNEL\tACTION\tOBJECT\tREASON\tFROM\tCHANGES")
	for _, e := range entries {
		var changes []string
		for _, c := range e.Changes() {
			changes = append(changes, c.String())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", moment(e.At), e.Actor.Name, e.Actor.Channel, e.Action, e.Object,
			cell(e.Reason), e.Actor.From, cell(strings.Join(changes, ", ")))
	}
	return table.Flush()
}
