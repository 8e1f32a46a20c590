package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// cancel closes an unpaid payment. The buyer may pay until Mercado Pago answers; then the order says whether the money goes back.
func (p *mailbox) cancel(ctx workflow.Context, o command.Order) (refusal, err error) {
	if refusal, err := p.audit(ctx, o); refusal != nil || err != nil {
		return refusal, err
	}
	if p.awaitsCard() {
		return p.cancelEntry(ctx)
	}
	in := p.lookInput(payment.ForOperator)
	var seen activities.Seen
	err = quickly(ctx, "cancel", p.whileAsked, act.Close, in, &seen)
	switch {
	case temporal.IsCanceledError(err):
		return nil, err
	case err != nil:
		return deny(failure.Unavailable, "Mercado Pago does not say whether the payment is cancelled; repeat this: "+reason(err)), nil
	}
	if err := p.apply(ctx, seen.State, true); err != nil {
		return nil, err
	}
	if o.OnPaid != command.RefundIt || !payment.Refund.PossibleFor(p.state.Status) {
		return nil, nil
	}
	back := o
	back.Command = command.Refund
	back.Refund = &payment.RefundRequest{All: true, Reason: o.Reason, IdempotencyKey: "cancel/" + o.ID}
	return p.refund(ctx, back)
}
