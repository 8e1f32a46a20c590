package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// Workflows is a *workflows.Client, as far as activities use it. Package workflows imports this one, hence the interface.
type Workflows interface {
	// Signal asks a payment's workflow to look at the provider again.
	Signal(ctx context.Context, paymentID string) error
	// Dispute has a payment's workflow ask the provider about a dispute.
	Dispute(ctx context.Context, paymentID string, of payment.DisputeRef) error
	// Attach has an attempt at a checkout become a payment, and does nothing but signal it when it is one.
	Attach(ctx context.Context, c payment.Checkout, providerPaymentID string) error
	// LookAtCheckout has a checkout's workflow, if it runs, read how the checkout stands.
	LookAtCheckout(ctx context.Context, checkoutID string) error
	// WakeCheckout does the same, and starts a workflow when none runs.
	WakeCheckout(ctx context.Context, checkoutID string) error
	// Running says which of the payments have a workflow that runs.
	Running(ctx context.Context, paymentIDs []string) (map[string]bool, error)
	// RedriveRuns says whether a redrive's workflow runs.
	RedriveRuns(ctx context.Context, redriveID string) (bool, error)
	// AttemptNow makes the activities of a run that wait for their next attempt due now.
	AttemptNow(ctx context.Context, namespace, workflowID, runID string) (Attempts, error)
	// StartEmail starts the workflow that sends one e-mail, and does nothing when it was started before.
	StartEmail(ctx context.Context, in EmailInput) error
}

// Relay is a *relay.Relay, as far as activities use it: it publishes what has happened to a payment, and returns at once.
type Relay interface {
	Take(ctx context.Context, e payment.Event, sinks []postgres.Sink, asked time.Time)
}
