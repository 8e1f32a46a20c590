package api

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/evidence"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// database is a *postgres.Store; tests of this package have no Postgres.
type database interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound when there is none
	// Payments may come from a replica: age says how old the list is at most.
	Payments(ctx context.Context, f payment.Filter) (list []payment.Payment, age time.Duration, err error)
	Events(ctx context.Context, paymentID string, afterSeq, limit int) ([]payment.Event, error)
	Hold(ctx context.Context, paymentID string) (payment.Hold, error)
	RequestCommand(ctx context.Context, o command.Order) error
	Refunds(ctx context.Context, paymentID string) ([]payment.OperationRecord, error)
	Disputes(ctx context.Context, paymentID string) ([]payment.Dispute, error)
	AllDisputes(ctx context.Context, f payment.DisputeFilter) ([]payment.Dispute, error)
	Dispute(ctx context.Context, id string) (payment.Dispute, error) // kind NotFound when there is none
	EvidenceOf(ctx context.Context, disputeID string) ([]payment.Evidence, error)
	Checkout(ctx context.Context, id string) (payment.Checkout, error) // kind NotFound when there is none
	Checkouts(ctx context.Context, f payment.CheckoutFilter) ([]payment.Checkout, error)
	Refund(ctx context.Context, paymentID, id string) (payment.OperationRecord, error) // kind NotFound when there is none
	Ledger(ctx context.Context, paymentID string) ([]payment.LedgerEntry, error)
	Balance(ctx context.Context, clientID string) (payment.Balance, error)
	KeepCustomer(ctx context.Context, c payment.Customer) (stands payment.Customer, written bool, err error)
	Customer(ctx context.Context, clientID, id string) (payment.Customer, error) // kind NotFound when there is none
	HideCustomer(ctx context.Context, clientID, id string, at time.Time) (payment.VaultRemoval, error)
	ForgetCustomer(ctx context.Context, id string) error
	KeepSavedCard(ctx context.Context, c payment.SavedCard) (stands payment.SavedCard, written bool, err error)
	SavedCards(ctx context.Context, customerID string) ([]payment.SavedCard, error)
	SavedCard(ctx context.Context, customerID, id string) (payment.SavedCard, error) // kind NotFound when there is none
	HideSavedCard(ctx context.Context, c payment.Customer, id string, at time.Time) (payment.VaultRemoval, error)
	ForgetSavedCard(ctx context.Context, id string) error
	Spool(ctx context.Context, id, routingKey string, body []byte, at time.Time) error
	Reconciliations(ctx context.Context, limit int) ([]payment.Reconciliation, error)
	FindingTotals(ctx context.Context) ([]payment.FindingTotal, error)
	Redrives(ctx context.Context, deadLetterID string) ([]deadletter.Redrive, error)
	keyReader
	evidence.Store
	deadletter.Store
	finding.Store
}

// workflowClient is a *workflows.Client; tests of this package have no Temporal.
type workflowClient interface {
	Create(ctx context.Context, in workflows.CreateInput) (*workflows.Answer, error)
	Begun(ctx context.Context, clientID, paymentID string) (bool, error)
	CreateCheckout(ctx context.Context, in workflows.CreateCheckoutInput) (answered bool, err error)
	CancelCheckout(ctx context.Context, clientID, checkoutID string) (payment.CheckoutStatus, error)
	CheckoutBegun(ctx context.Context, checkoutID string) (bool, error)
	RedriveProgress(ctx context.Context, id string) (workflows.RedriveProgress, error) // kind NotFound when there is none
	deadletter.Redriver
	command.Engine
	evidence.Engine
}
