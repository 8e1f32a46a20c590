package activities

import (
	"context"
	"errors"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

// Close closes a Pix at the provider that has come to its own end unpaid, and says where it stands then. It is
// safe to repeat: the provider sees the same idempotency key, and what it refuses, since the payment was paid meanwhile or is
// closed already, is looked at.
func (a *Activities) Close(ctx context.Context, in LookInput) (seen Seen, err error) {
	err = a.looks.bound(ctx, a.provider.Steady(breaker.Cancel), func(ctx context.Context) (err error) {
		seen, err = a.close(ctx, in)
		return err
	})
	if errors.Is(err, errUntried) {
		err = activityError(err)
	}
	return seen, err
}

func (a *Activities) close(ctx context.Context, in LookInput) (Seen, error) {
	if err := a.database.AskOperation(ctx, in.PaymentID, payment.Cancel, 1, a.now()); err != nil {
		return Seen{}, activityError(err)
	}
	state, err := a.perform(ctx, attempt{
		again:   retried(ctx),
		earlier: func(ctx context.Context) (payment.ProviderState, bool, error) { return a.look(ctx, in) },
		send: func(ctx context.Context) (payment.ProviderState, error) {
			ctx = mercadopago.WithPriority(ctx, in.urgency(), in.ClientID)
			return a.provider.Cancel(ctx, in.ProviderPaymentID, payment.ProviderKey(in.PaymentID, payment.Cancel, 1))
		},
	})
	if err != nil {
		return Seen{}, err
	}
	if state, err = believe(state, in); err != nil {
		return Seen{}, err
	}
	outcome := payment.OutcomeRefused
	if state.Status == payment.Cancelled || state.Status == payment.Expired {
		outcome = payment.OutcomeDone
	}
	err = a.database.EndOperation(ctx, in.PaymentID, payment.Cancel, 1, outcome, a.now())
	return Seen{Found: true, State: state}, activityError(err)
}
