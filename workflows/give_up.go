package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// abandon ends the attempts to charge, of which none is under way any more. What the provider has counts. Else the payment is unknown,
// and fails only when no charge was sent.
func (p *mailbox) abandon(ctx workflow.Context, o command.Order) (refusal, err error) {
	seen, asked := p.askFor(ctx, "search before giving up", activities.LookInput{ProviderPaymentID: p.state.ProviderPaymentID})
	switch {
	case temporal.IsCanceledError(asked):
		return nil, asked
	case asked == nil && seen.Found:
		if err := p.apply(ctx, seen.State, true); err != nil {
			return nil, err
		}
		refusal = deny(failure.Conflict, "Mercado Pago has the payment, which is "+string(p.state.Status))
	default:
		if err := p.parkFor(ctx, o, asked != nil); err != nil {
			return nil, err
		}
	}
	return refusal, p.endHoldAfter(ctx, o)
}

// parkFor leaves the payment unknown on an operator's order, and alerts operators, since somebody has to find out.
func (p *mailbox) parkFor(ctx workflow.Context, o command.Order, unanswered bool) error {
	in := activities.GiveUpOrder{Order: o, MaySent: unanswered || p.sent || p.mayHaveCharged(ctx)}
	if err := p.move(ctx, "give up", act.GiveUp, in); err != nil {
		return err
	}
	p.planPoll(ctx)
	if p.state.Status != payment.Unknown {
		return nil
	}
	why := errors.New("an operator has given up the charge")
	p.remember(ctx, "charge", why)
	workflow.GetLogger(ctx).Info("an operator has given up the charge", "payment_id", p.in.PaymentID)
	return p.reportUnknown(ctx, why)
}
