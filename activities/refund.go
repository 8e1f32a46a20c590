package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// RefundAsked is a refund that is stored, and how the payment stands then.
type RefundAsked struct {
	payment.PendingRefund
	Ended   bool      `json:"ended,omitempty"` // it was asked for before, and nothing more is to be done
	Version int       `json:"version"`
	Since   time.Time `json:"since"`
}

// AskRefund stores a refund and the order in the audit, before the provider is asked. The idempotency key decides: a second run finds the
// refund of the first. Kind Conflict or Invalid when the payment cannot be refunded, or not by so much.
func (a *Activities) AskRefund(ctx context.Context, in OrderInput) (RefundAsked, error) {
	if in.Refund == nil {
		return RefundAsked{}, activityError(&failure.Error{Kind: failure.Invalid, Message: "the order has no refund"})
	}
	entry, err := a.entry(ctx, in.Order, command.Refund)
	if err != nil {
		return RefundAsked{}, activityError(err)
	}
	asked, request := time.Now(), *in.Refund
	request.Origin = payment.FromOperator
	if in.ByClient && entry.Actor.Channel == audit.REST {
		request.Origin = payment.FromClient
	}
	r, p, err := a.database.AskRefund(ctx, in.PaymentID, request, a.restored(), entry, a.now())
	if err != nil {
		return RefundAsked{}, activityError(err)
	}
	a.cache.Keep(ctx, p, asked)
	return RefundAsked{
		PendingRefund: payment.PendingRefund{ID: r.ProviderKey, Amount: r.Amount, AskedAt: r.CreatedAt, ProviderID: r.ProviderID},
		Ended:         r.Outcome.Ended(), Version: p.Version, Since: p.UpdatedAt,
	}, nil
}

// RefundInput names a refund that is stored.
type RefundInput struct {
	PaymentID string `json:"payment_id"`
	ID        string `json:"id"`
	Amount    int64  `json:"amount"` // centavos
}

// Refund gives the money back, and says how the payment stands then, with its refunds. It is safe to repeat because the provider sees the
// same idempotency key and the same body every time, and because a refund that may have been sent before is looked for first: the database
// knows of every attempt, except those that were certainly held back. A refusal is believed only after a look: Mercado Pago refuses a Pix
// refund that is in process.
func (a *Activities) Refund(ctx context.Context, in RefundInput) (payment.ProviderState, error) {
	return a.operate(ctx, breaker.Refund, func(ctx context.Context) (payment.ProviderState, error) { return a.refund(ctx, in) })
}

func (a *Activities) refund(ctx context.Context, in RefundInput) (payment.ProviderState, error) {
	p, err := a.database.Payment(ctx, in.PaymentID)
	if err != nil {
		return payment.ProviderState{}, activityError(err)
	}
	sending, err := a.database.SendOperation(ctx, in.ID, a.now())
	if err != nil {
		return payment.ProviderState{}, activityError(err)
	}
	return a.perform(ctx, attempt{
		searchFirst: sending.Before || a.restored(), again: sending.Before || a.restored(),
		earlier: func(ctx context.Context) (payment.ProviderState, bool, error) { return a.refundShown(ctx, p, in.ID) },
		send: func(ctx context.Context) (payment.ProviderState, error) {
			made, err := a.provider.Refund(mercadopago.WithPriority(ctx, payment.ForOperator, p.ClientID), p, in.Amount, in.ID)
			if mercadopago.HeldBack(err) {
				_ = a.database.NotSent(ctx, in.ID, sending) // when this is not stored, the refund counts as sent
			}
			if err != nil {
				return payment.ProviderState{}, err
			}
			made.AnswerTo = in.ID
			return a.afterRefund(ctx, p, made)
		},
	})
}

// afterRefund is the payment as it stands after a refund, which the provider's reading side may not show yet.
func (a *Activities) afterRefund(ctx context.Context, p payment.Payment, made payment.ProviderRefund) (payment.ProviderState, error) {
	state, err := a.shown(ctx, p)
	if err != nil {
		return state, err
	}
	if i := slices.IndexFunc(state.Refunds, func(r payment.ProviderRefund) bool { return r.ID == made.ID }); i >= 0 {
		state.Refunds[i].AnswerTo = made.AnswerTo
	} else {
		state.Refunds = append(state.Refunds, made)
	}
	return state, nil
}

// refundShown is the payment with its refunds, if the provider shows this one among them. That it refuses to say is no refusal of the
// refund, and must not look like one.
func (a *Activities) refundShown(ctx context.Context, p payment.Payment, id string) (payment.ProviderState, bool, error) {
	state, err := a.shown(ctx, p)
	if err != nil {
		return state, false, err
	}
	providerID, err := a.database.RefundShown(ctx, p.ID, id, state.Refunds, a.restored())
	if err != nil || providerID == "" {
		return state, false, err
	}
	for i, r := range state.Refunds {
		if r.ID == providerID {
			state.Refunds[i].AnswerTo = id
		}
	}
	return state, true, nil
}

func (a *Activities) shown(ctx context.Context, p payment.Payment) (payment.ProviderState, error) {
	state, _, err := a.look(ctx, LookInput{PaymentID: p.ID, ClientID: p.ClientID, ProviderPaymentID: p.Provider.PaymentID, Urgency: payment.ForOperator})
	switch failure.KindOf(err) {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		err = &failure.Error{Kind: failure.Unavailable, Message: "the provider does not show the payment's refunds", Err: err}
	}
	if err == nil {
		if p.AuthorizesOnly() {
			state = state.OfAuthorization(p.Amount)
		}
		if why := state.Contradicts(p.ProviderReference(), p.Provider.PaymentID, p.Amount); why != "" {
			err = &failure.Error{Kind: failure.Unavailable, Message: why} // no refusal either
		}
	}
	return state, err
}

// RefundRefusal is a refund that the provider has refused for good, and why.
type RefundRefusal struct {
	GiveUpInput
	ID string `json:"id"`
}

// EndRefund stores that the provider has refused a refund. One that has ended already stays as it is.
func (a *Activities) EndRefund(ctx context.Context, in RefundRefusal) (Moved, error) {
	asked := time.Now()
	p, pending, err := a.database.EndRefund(ctx, in.PaymentID, in.ID, in.Code, in.Why, a.now())
	if err != nil {
		return Moved{}, activityError(fmt.Errorf("end the refund: %w", err))
	}
	a.cache.Keep(ctx, p, asked)
	return Moved{Status: p.Status, Version: p.Version, Since: p.UpdatedAt, Refunds: true, Pending: pending}, nil
}
