package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// reconcileCommand compares Mercado Pago's payments with ours now, and lists and closes findings.
func reconcileCommand(environ []string, out io.Writer) *cobra.Command {
	reconcile := &cobra.Command{Use: "reconcile", Short: "Compare Mercado Pago's payments with ours, list what differs, close findings"}
	reconcile.AddCommand(&cobra.Command{Use: "now", Short: "Start a reconciliation now, without waiting for the schedule", Args: cobra.NoArgs,
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
		}}, findingsCommand(environ, out), closeFindingCommand(environ, out))
	return reconcile
}

// withFindings runs a command with findings, over one connection to the database.
func withFindings(ctx context.Context, environ []string, use func(finding.Actions) error) error {
	return withDatabase(ctx, config.Findings, environ, func(_ config.Config, database *postgres.Store) error {
		return flagged(use(finding.Actions{Store: database}))
	})
}

func findingsCommand(environ []string, out io.Writer) *cobra.Command {
	var filter payment.FindingFilter
	command := &cobra.Command{Use: "findings", Short: "List open findings, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withFindings(cmd.Context(), environ, func(a finding.Actions) error {
				found, err := a.List(cmd.Context(), filter)
				if err != nil {
					return err
				}
				return printFindings(out, found)
			})
		}}
	command.Flags().StringVar((*string)(&filter.Kind), "kind", "", "only this kind: "+failure.OneOf(payment.FindingKinds()))
	command.Flags().IntVar(&filter.Limit, "limit", 50, limitHelp)
	return command
}

func closeFindingCommand(environ []string, out io.Writer) *cobra.Command {
	var by signature
	command := &cobra.Command{Use: "close ID …", Short: "Close findings for which nothing needs to be done", Args: cobra.MinimumNArgs(1),
		Long: "Close findings for which nothing needs to be done.\n\n" +
			"A closed finding is not found again while the payment at Mercado Pago keeps its status.",
		Example: `  onlywave reconcile close 17 18 --actor ana --reason "made in the panel"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := make([]int64, len(args))
			for i, arg := range args {
				var err error
				if ids[i], err = strconv.ParseInt(arg, 10, 64); err != nil {
					return fmt.Errorf("%q is not the id of a finding; onlywave reconcile findings lists the ids", arg)
				}
			}
			return withFindings(cmd.Context(), environ, func(a finding.Actions) error {
				var closed []payment.Finding
				for _, id := range ids {
					f, err := a.Close(cmd.Context(), by.by(), id, by.reason)
					if err != nil {
						return fmt.Errorf("finding %d: %w", id, flagged(err))
					}
					closed = append(closed, f)
				}
				return printFindings(out, closed)
			})
		}}
	by.flags(command)
	return command
}

func printFindings(out io.Writer, found []payment.Finding) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tFOUND\tKIND\tPAYMENT\tPROVIDER\tSTATUS\tDETAIL\tCLOSED BY\tREASON")
	for _, f := range found {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, formatTime(f.FoundAt), f.Kind, f.PaymentID, f.ProviderPaymentID,
			f.ProviderStatus, cell(f.Detail), cell(f.ClosedBy), cell(f.ClosedReason))
	}
	return table.Flush()
}
