package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// auditCommand shows the audit.
func auditCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "audit", Short: "Show the audit: who changed what, when and why"}
	var f audit.Filter
	list := &cobra.Command{Use: "list", Short: "List the actions of operators and administrators, and log-ins, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd.Context(), config.Audit, environ, func(_ config.Config, database *postgres.Store) error {
				entries, err := database.AuditTrail(cmd.Context(), f)
				if err != nil {
					return err
				}
				return printAudit(out, entries)
			})
		}}
	list.Flags().StringVar(&f.Actor, "actor", "", "only actions of this user, client app or name")
	list.Flags().StringVar((*string)(&f.Action), "action", "", "only this action, such as key.create; a wrong name prints all names")
	list.Flags().StringVar(&f.Object, "object", "", "only actions on this object, such as user/ana")
	list.Flags().Func("from", "only actions at this `time` or later, such as 2026-11-01T00:00:00Z", timeFlag(&f.From))
	list.Flags().Func("to", "only actions before this `time`", timeFlag(&f.To))
	list.Flags().IntVar(&f.Limit, "limit", 50, limitHelp)
	command.AddCommand(list, noteCommand(environ))
	return command
}

// noteCommand is for the operators' scripts, whose actions change Temporal only.
func noteCommand(environ []string) *cobra.Command {
	var by signature
	var e audit.Entry
	command := &cobra.Command{Use: "note", Short: "Write an action on Temporal to the audit, before it is done", Args: cobra.NoArgs,
		Long: "Write an action on Temporal to the audit, before it is done. The scripts in scripts/ops call it.\n\n" +
			"The actions are " + failure.OneOf(audit.Notable()) + ". All others are in the audit without this command.",
		Example: "  onlywave audit note --action payment.reset --object payment/3f0c1f4e-7a52-5d0b-9a3f-0d6c1c1c8a11 --actor ana --reason 'fixed in 1.4.2'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			e.Actor, e.Reason = by.by(), strings.TrimSpace(by.reason)
			if wrong := e.NoteFields(); len(wrong) > 0 {
				return flagged(&failure.Error{Kind: failure.Invalid, Message: "the note is not valid", Fields: wrong})
			}
			return withDatabase(cmd.Context(), config.Audit, environ, func(_ config.Config, database *postgres.Store) error {
				return database.Audit(cmd.Context(), e)
			})
		}}
	command.Flags().StringVar((*string)(&e.Action), "action", "", "the action (required)")
	command.Flags().StringVar(&e.Object, "object", "", "what it is done to: a kind and an id, such as payment/3f0c1f4e-7a52-5d0b-9a3f-0d6c1c1c8a11 (required)")
	by.flags(command)
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", formatTime(e.At), e.Actor.Name, e.Actor.Channel, e.Action, e.Object,
			cell(e.Reason), e.Actor.From, cell(strings.Join(changes, ", ")))
	}
	return table.Flush()
}
