package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// look asks the provider where the payment stands. All signals that wait are answered by one look. A
// provider that cannot say costs nothing but the time to the next look.
func (p *mailbox) look(ctx workflow.Context) error {
	why := p.reason(ctx)
	if why == polled {
		p.looks++ // only looks of our own accord widen the gap
	}
	p.drain()
	before := p.state.Status
	if err := p.see(ctx, why); err != nil {
		return err
	}
	p.lookNext(ctx, why, p.state.Status != before)
	return nil
}

// see asks, and applies what the provider says. A challenge that has come to its end is looked at before it is closed: the buyer may have
// passed it, and what the bank is still reviewing must not be cancelled.
func (p *mailbox) see(ctx workflow.Context, why lookReason) error {
	if !p.closes(ctx) {
		_, err := p.seeBy(ctx, why, "look", act.Look)
		return err
	}
	if p.awaitsCard() {
		return p.expireEntry(ctx)
	}
	if p.state.Challenged {
		if seen, err := p.seeBy(ctx, why, "look before it is closed", act.Look); err != nil || !seen || !p.closes(ctx) {
			return err
		}
	}
	_, err := p.seeBy(ctx, why, "close at its end", act.Close)
	return err
}

// lookInput is what a look at this payment, or its closing, has to know: an answer is believed or not by it.
func (p *mailbox) lookInput(urgency payment.Urgency) activities.LookInput {
	return activities.LookInput{
		PaymentID: p.in.PaymentID, Reference: p.state.CheckoutID, ClientID: p.state.ClientID, ProviderPaymentID: p.state.ProviderPaymentID, Money: p.state.Money, Reserved: p.state.Reserves,
		OnPage: p.state.OnPage, Urgency: urgency,
	}
}

// seeBy asks by an activity; seen says that there was an answer, which is applied.
func (p *mailbox) seeBy(ctx workflow.Context, why lookReason, summary string, ask any) (seen bool, err error) {
	in := p.lookInput(p.urgency(why))
	var answer activities.Seen
	err = p.quickly(ctx, summary, in.Urgency, ask, in, &answer)
	switch {
	case errors.Is(err, errInterrupted):
		p.lookAtOnce(ctx) // after the order
		return false, nil
	case temporal.IsCanceledError(err):
		return false, err
	case err != nil && KindOf(err) == failure.NotFound && missesRowAtEnd(ctx):
		return false, p.rowMissing(ctx, err)
	case err != nil:
		workflow.GetLogger(ctx).Error("the provider's answer is of no use", "payment_id", p.in.PaymentID, "kind", KindOf(err), "reason", reason(err))
		p.remember(ctx, "look", err)
		return false, p.unsearchable(ctx, err)
	case !answer.Found:
		return false, p.notFound(ctx)
	}
	return true, p.apply(ctx, answer.State, true)
}
