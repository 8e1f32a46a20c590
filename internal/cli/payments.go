package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/config"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// paymentsCommand lets an operator order a command on a payment.
func paymentsCommand(environ []string, out io.Writer) *cobra.Command {
	payments := &cobra.Command{Use: "payments", Short: "Order a command on one payment, such as hold, retry or settle"}
	for _, e := range command.Operators() {
		payments.AddCommand(orderCommand(e, environ, out))
	}
	return payments
}

// orderCommand is one command of the catalogue.
func orderCommand(e command.Entry, environ []string, out io.Writer) *cobra.Command {
	var by signature
	o := command.Order{Command: e.Name}
	var until string
	c := &cobra.Command{Use: e.Name.Word() + " ID", Short: e.Short.English, Args: cobra.ExactArgs(1), Long: e.Does.English + "\n\nSee " + e.Page() + ".",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o.PaymentID, o.Reason = args[0], by.reason
			if until != "" {
				if o.Until, err = time.Parse(time.RFC3339, until); err != nil {
					return fmt.Errorf("--until must be a time such as 2026-03-02T12:00:00Z: %w", err)
				}
			}
			return withDatabase(cmd.Context(), config.Payments, environ, func(c config.Config, database *postgres.Store) error {
				temporal, err := dialTemporal(c, slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer temporal.Close()
				actions := command.Actions{Payments: database, Engine: workflows.NewClient(temporal, polls(c))}
				p, err := actions.Do(cmd.Context(), by.by(), o)
				if errors.Is(err, command.ErrRunning) {
					fmt.Fprintf(out, "the command is accepted and still being carried out; see later: onlywave explain %s\n", p.ID)
					return nil
				}
				if err != nil {
					return flagged(err)
				}
				fmt.Fprintf(out, "payment %s is %s%s\n", p.ID, p.Status, failureText(p.Failure))
				return nil
			})
		}}
	by.flags(c)
	if e.Reason == command.OptionalReason {
		c.Flags().Lookup("reason").Usage = "why you do this, for the audit; at most 500 characters"
	}
	switch e.Name {
	case command.Hold:
		c.Flags().StringVar(&until, "until", "", "when the hold ends by itself, such as 2026-03-02T12:00:00Z; at most 7 days ahead (default: 24 hours ahead)")
	case command.Capture:
		c.Flags().Int64Var(&o.Amount, "amount", 0, "the sum to capture, in centavos, from 1 to 100000000000; the rest goes back to the buyer (default: all)")
	case command.Cancel:
		c.Flags().StringVar((*string)(&o.OnPaid), "on-paid", string(command.KeepIt), "what to do when the buyer pays meanwhile: keep or refund the money")
	case command.Refund:
		o.Refund = &payment.RefundRequest{}
		c.Flags().Int64Var(&o.Refund.Amount, "amount", 0, "the sum to give back, in centavos, from 1 to 100000000000")
		c.Flags().BoolVar(&o.Refund.All, "all", false, "give back all that is left")
		c.Flags().StringVar(&o.Refund.IdempotencyKey, "key", "", "idempotency key of the refund, such as your ticket: it is made once (default: a new one)")
	case command.Settle:
		c.Flags().StringVar((*string)(&o.Outcome), "outcome", string(command.Failed), "failed: Mercado Pago has no charge; found: it has the charge --provider-payment-id")
		c.Flags().StringVar(&o.ProviderPaymentID, "provider-payment-id", "", "Mercado Pago's id of the charge that you have found in its panel")
	}
	return c
}

// failureText is why a payment failed, after its status.
func failureText(failure string) string {
	if failure == "" {
		return ""
	}
	return ": " + failure
}
