package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Answer is what a payment's run says to a POST, for the caller to compare with the database: a run that has closed goes on
// answering, and the row may be lost since.
type Answer struct {
	PaymentID   string         `json:"payment_id"`
	Fingerprint string         `json:"fingerprint"`
	Status      payment.Status `json:"status"`
	Version     int            `json:"version"`           // number of the newest event; 0: a run from before does not say
	AskedAt     time.Time      `json:"asked_at,omitzero"` // when the client app first asked for it; zero: likewise
}

// mayCreate refuses another request under the same key before anything is waited for, as far as the run knows by then. What
// it refuses leaves no trace in the history.
func (p *mailbox) mayCreate(_ workflow.Context, fingerprint string, _ bool) error {
	known := p.state.Fingerprint
	if p.in.Creation != nil {
		known = p.in.Creation.Fingerprint
	}
	if known != "" && known != fingerprint {
		return errAnotherRequest()
	}
	return nil
}

func errAnotherRequest() error {
	return temporal.NewNonRetryableApplicationError("the idempotency key was used for another request", string(failure.Conflict), nil)
}

// created answers a POST: it joins the payment, whoever started it, and returns once the provider has answered, or the outcome is
// unknown. The same key with another request is a conflict. lost says that the database lacks what an answer said.
func (p *mailbox) created(ctx workflow.Context, fingerprint string, lost bool) (Answer, error) {
	if err := workflow.Await(ctx, func() bool { return p.opened }); err != nil {
		return Answer{}, err
	}
	if lost && p.state.Found {
		p.lost = true
		if err := workflow.Await(ctx, func() bool { return !p.lost }); err != nil {
			return Answer{}, err
		}
	}
	if !p.state.Found {
		// A signal opened this run before the payment existed, or its row is lost; the run is about to end.
		return Answer{}, temporal.NewApplicationError("the payment is being opened, repeat the request", string(failure.Unavailable))
	}
	if p.state.Fingerprint != fingerprint {
		return Answer{}, errAnotherRequest()
	}
	// A payment may be unknown for months, and a run with a handler in it cannot go on in a fresh one.
	err := workflow.Await(ctx, func() bool { return !p.toCharge() })
	if err == nil && !p.answered() && !answersUnknown(ctx) {
		err = workflow.Await(ctx, p.answered)
	}
	return Answer{
		PaymentID: p.in.PaymentID, Fingerprint: fingerprint, Status: p.state.Status, Version: p.known, AskedAt: p.state.AskedAt,
	}, err
}
