package cli

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/settle"
	"github.com/onlywave/onlywave/workflows"
)

// paymentsCommand is what a person may decide about a payment.
func paymentsCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "payments", Short: "Settle a payment whose outcome nobody knows"}
	command.AddCommand(settleCommand(environ, out))
	return command
}

func settleCommand(environ []string, out io.Writer) *cobra.Command {
	var by signature
	command := &cobra.Command{Use: "settle ID", Short: "Say that an unknown payment has failed", Args: cobra.ExactArgs(1),
		Long: "Say that an unknown payment has failed.\n\n" +
			"Mercado Pago is searched once more, and what is found refuses the decision and is followed instead.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.Payments, environ, func(c config.Config, record *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				actions := settle.Actions{Payments: record, Engine: workflows.NewClient(temporal, polls(c))}
				p, err := actions.Fail(cmd.Context(), by.by(), args[0], by.reason)
				if err != nil {
					return err
				}
				fmt.Fprintf(out, "payment %s is %s: %s\n", p.ID, p.Status, p.Failure)
				return nil
			})
		}}
	by.flags(command)
	return command
}
