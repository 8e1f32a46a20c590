package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// SettleInput is what an operator has decided about a payment.
type SettleInput struct {
	command.Order
}

// Settle writes that an operator has settled an unknown payment as failed. One that is not unknown any more stays as it is, and
// so does one that was settled already. Kind Conflict when it has not been unknown for long enough.
func (a *Activities) Settle(ctx context.Context, in SettleInput) (Moved, error) {
	asked := time.Now()
	if err := a.old(ctx, in.PaymentID); err != nil {
		return Moved{}, activityError(err)
	}
	entry, err := a.entry(ctx, in.Order, command.Settle)
	if err != nil {
		return Moved{}, activityError(err)
	}
	m, err := a.database.Settle(ctx, in.PaymentID, entry, a.now())
	return a.moved(ctx, asked, m, err)
}

// old says whether the provider's search must know a charge of the payment by now.
func (a *Activities) old(ctx context.Context, id string) error {
	p, err := a.database.Payment(ctx, id)
	if err != nil || p.Status != payment.Unknown {
		return err
	}
	if option := command.Check(command.Settle, p, payment.Hold{}, a.now()); !option.Possible {
		return &failure.Error{Kind: failure.Conflict, Message: option.WhyNot.English}
	}
	return nil
}
