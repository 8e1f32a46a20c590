package activities

import (
	"context"
	"errors"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// CaptureInput is a capture that is stored.
type CaptureInput struct {
	PaymentID string `json:"payment_id"`
	Number    int    `json:"number"`
	Amount    int64  `json:"amount"` // centavos
}

// AskCapture stores a capture and the order in the audit, before the provider is asked. A second run finds the capture of the first; so does
// a repeated order, which must name the same sum. Kind Conflict or Invalid when the payment cannot be captured, or not so much of it.
func (a *Activities) AskCapture(ctx context.Context, in OrderInput) (CaptureInput, error) {
	entry, err := a.entry(ctx, in.Order, command.Capture)
	if err != nil {
		return CaptureInput{}, activityError(err)
	}
	o, err := a.database.AskCapture(ctx, in.PaymentID, in.Amount, entry, a.now())
	return CaptureInput{PaymentID: in.PaymentID, Number: o.Number, Amount: o.Amount}, activityError(err)
}

// Capture takes the reserved money, and says how the payment stands then. It is safe to repeat: the provider sees the same idempotency key and
// the same body, and a payment that is not authorized any more cannot be captured again. What the provider refuses is looked at before it is
// believed, because an earlier attempt, whose answer was lost, may have captured it.
func (a *Activities) Capture(ctx context.Context, in CaptureInput) (seen Seen, err error) {
	err = a.charges.bound(ctx, a.provider.Steady(breaker.Cancel), func(ctx context.Context) (err error) {
		seen, err = a.capture(ctx, in)
		return err
	})
	if errors.Is(err, errUntried) {
		err = activityError(err)
	}
	return seen, err
}

func (a *Activities) capture(ctx context.Context, in CaptureInput) (Seen, error) {
	p, err := a.database.Payment(ctx, in.PaymentID)
	if err != nil {
		return Seen{}, activityError(err)
	}
	key := payment.ProviderKey(p.ID, payment.Capture, in.Number)
	look := LookInput{PaymentID: p.ID, ClientID: p.ClientID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount, Reserved: true, Urgency: payment.ForOperator}
	sending, err := a.database.SendOperation(ctx, key, a.now())
	if err != nil {
		return Seen{}, activityError(err)
	}
	state, err := a.perform(ctx, attempt{
		searchFirst: sending.Before, again: sending.Before,
		earlier: func(ctx context.Context) (payment.ProviderState, bool, error) { return a.captured(ctx, look) },
		send: func(ctx context.Context) (payment.ProviderState, error) {
			return a.provider.Capture(mercadopago.WithPriority(ctx, payment.ForOperator, p.ClientID), p, in.Amount, key)
		},
	})
	if err != nil {
		return Seen{}, err
	}
	if state, err = believe(state, look); err != nil {
		return Seen{}, err
	}
	outcome := payment.OutcomeRefused
	if state.Status.Paid() && state.Captured == in.Amount {
		outcome = payment.OutcomeDone
	}
	return Seen{Found: true, State: state}, activityError(a.database.EndOperation(ctx, p.ID, payment.Capture, in.Number, outcome, a.now()))
}

// captured is the payment as it stands, if it is not authorized any more: captured, by an earlier attempt or in the provider's panel, or over.
// That the provider refuses to say is no refusal of the capture.
func (a *Activities) captured(ctx context.Context, in LookInput) (payment.ProviderState, bool, error) {
	state, found, err := a.look(ctx, in)
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		err = &failure.Error{Kind: failure.Unavailable, Message: "the provider does not say whether the money is captured", Err: err}
	}
	return state, found && err == nil && state.Status != payment.Authorized, err
}
