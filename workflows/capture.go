package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
)

// capture takes the reserved money, all of it or less. What is stored first says how much: a repeated order captures the same sum under the
// same key.
func (p *mailbox) capture(ctx workflow.Context, o command.Order) (refusal, err error) {
	var asked activities.CaptureInput
	if refusal, err := p.order(ctx, "ask for the capture", act.AskCapture, activities.OrderInput{Order: o}, &asked); refusal != nil || err != nil {
		return refusal, err
	}
	var seen activities.Seen
	err = quickly(ctx, "capture "+p.money(asked.Amount), p.whileAsked, act.Capture, asked, &seen)
	switch {
	case temporal.IsCanceledError(err):
		return nil, err
	case err != nil && (KindOf(err) == failure.Invalid || KindOf(err) == failure.Conflict) && !doubtOf(err).Earlier:
		return deny(failure.Conflict, "Mercado Pago refuses the capture: "+reason(err)), nil
	case err != nil:
		p.lookAtOnce(ctx)
		return deny(failure.Unavailable, "Mercado Pago does not say whether the money is captured; repeat this: "+reason(err)), nil
	}
	if err := p.apply(ctx, seen.State, true); err != nil {
		return nil, err
	}
	switch {
	case !p.state.Status.Paid():
		return deny(failure.Conflict, "the payment is "+string(p.state.Status)+" at Mercado Pago; nothing was captured"), nil
	case seen.State.Captured != asked.Amount:
		return deny(failure.Conflict, "another sum is captured already at Mercado Pago: "+p.money(seen.State.Captured)), nil
	}
	return nil, nil
}
