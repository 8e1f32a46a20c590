package cli

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// paymentsCommand lets an operator decide about a payment.
func paymentsCommand(environ []string, out io.Writer) *cobra.Command {
	command := &cobra.Command{Use: "payments", Short: "Settle a payment with an unknown outcome"}
	command.AddCommand(settleCommand(environ, out))
	return command
}

func settleCommand(environ []string, out io.Writer) *cobra.Command {
	var by signature
	command := &cobra.Command{Use: "settle ID", Short: "Settle an unknown payment as failed", Args: cobra.ExactArgs(1),
		Long: "Settle an unknown payment as failed.\n\n" +
			"First search Mercado Pago's panel for the payment's ID as external reference; settle the payment only if the panel does not have\n" +
			"it. The command searches Mercado Pago once more. If Mercado Pago has the payment, the command fails and the payment gets the\n" +
			"status from Mercado Pago.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd.Context(), config.Payments, environ, func(c config.Config, database *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				actions := command.Actions{Payments: database, Engine: workflows.NewClient(temporal, polls(c))}
				p, err := actions.Do(cmd.Context(), by.by(), command.Order{PaymentID: args[0], Command: command.Settle, Reason: by.reason})
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
