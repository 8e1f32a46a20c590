package workflows

import (
	"cmp"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

// held says whether the payment has a hold, which may be over.
func (p *mailbox) held() bool { return p.state.Hold != payment.Hold{} }

// holdOver says whether the payment's hold is over.
func (p *mailbox) holdOver(ctx workflow.Context) bool {
	return p.held() && !(p.state.Status.Open() && p.state.Hold.Held(workflow.Now(ctx)))
}

// hold stops all calls to the provider. The database keeps it, so that it outlives the run.
func (p *mailbox) hold(ctx workflow.Context, o command.Order) (refusal, err error) {
	now := workflow.Now(ctx).UTC()
	until := now.Add(payment.HoldDefault)
	if !o.Until.IsZero() {
		until = o.Until.UTC()
	}
	in := activities.HoldInput{Order: o, Hold: payment.Hold{Until: until, Actor: o.Actor, Reason: o.Reason, At: now}}
	return p.order(ctx, "hold", act.Hold, in, &p.state.Hold)
}

// release ends the hold. What has happened meanwhile is looked at at once.
func (p *mailbox) release(ctx workflow.Context, o command.Order) (refusal, err error) {
	refusal, err = p.order(ctx, "release", act.Release, activities.OrderInput{Order: o}, &p.state.Hold)
	p.lookAtOnce(ctx)
	return refusal, err
}

// expireHold ends a hold that is over.
func (p *mailbox) expireHold(ctx workflow.Context) error {
	in := activities.HoldInput{Order: command.Order{PaymentID: p.in.PaymentID}, Hold: p.state.Hold}
	err := workflow.ExecuteLocalActivity(inDatabase(ctx, "end the hold"), act.ExpireHold, in).Get(ctx, &p.state.Hold)
	p.lookAtOnce(ctx)
	return err
}

func (p *mailbox) lookAtOnce(ctx workflow.Context) {
	if p.state.Status.Open() {
		p.pollAt = workflow.Now(ctx)
	}
}

// awaitRelease waits for the end of the hold, or for an order. Signals to look that come meanwhile need no memory: the look after the
// hold answers them.
func (p *mailbox) awaitRelease(ctx workflow.Context) {
	p.drain()
	p.waitUntil(ctx, p.state.Hold.Until, "the end of the hold", p.called)
}

// endHoldAfter ends the hold of a payment that another order has dealt with.
func (p *mailbox) endHoldAfter(ctx workflow.Context, o command.Order) error {
	if !p.held() {
		return nil
	}
	refusal, err := p.release(ctx, o)
	return cmp.Or(err, refusal)
}
