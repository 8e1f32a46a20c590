package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// refundAgain is when a refund is sent again that could not be sent within the budget.
const refundAgain = time.Hour

// refundMayLast is how long a refund may be under way before a person should look, as the alert RefundsStuck says. It is still looked at, at
// the rate of polls.
const refundMayLast = 24 * time.Hour

// refundSoon is when a refund is sent again whose answer has changed nothing: the provider may not show it yet.
const refundSoon = time.Minute

// refundAttempt is what this run knows of a refund that waits to be sent.
type refundAttempt struct {
	due       time.Time
	refusedAt time.Time // the first refusal after a doubt; zero: none
}

// expects says whether something is still expected to happen by itself.
func (p *mailbox) expects() bool { return p.state.Status.Open() || len(p.state.Refunds) > 0 }

// refund stores a refund that is asked for, and tries once to send it. Whoever asks is answered then: what waits for the provider goes on
// by itself.
func (p *mailbox) refund(ctx workflow.Context, o command.Order) (refusal, err error) {
	var asked activities.RefundAsked
	refusal, err = p.order(ctx, "ask for a refund", act.AskRefund, activities.OrderInput{Order: o}, &asked)
	if refusal != nil || err != nil {
		return refusal, err
	}
	p.known, p.state.Since = max(p.known, asked.Version), asked.Since
	if asked.Ended || slices.ContainsFunc(p.state.Refunds, func(r payment.PendingRefund) bool { return r.ID == asked.ID }) {
		return nil, nil
	}
	p.state.Refunds = append(p.state.Refunds, asked.PendingRefund)
	var state payment.ProviderState
	in := activities.RefundInput{PaymentID: p.in.PaymentID, ID: asked.ID, Amount: asked.Amount}
	err = workflow.ExecuteLocalActivity(once(ctx, "refund "+p.money(asked.Amount), chargeTry), act.Refund, in).Get(ctx, &state)
	if err != nil && !temporal.IsCanceledError(err) && !final(err) {
		return nil, nil // the mailbox goes on with it
	}
	return nil, p.refunded(ctx, asked.PendingRefund, state, err)
}

// toRefund is the refund to send now, or nil. One that the provider has already only waits for its end.
func (p *mailbox) toRefund(ctx workflow.Context) *payment.PendingRefund {
	for i, r := range p.state.Refunds {
		if r.ProviderID == "" && !workflow.Now(ctx).Before(p.refunds[r.ID].due) {
			return &p.state.Refunds[i]
		}
	}
	return nil
}

// nextRefund is when the next refund is to be sent; zero: none waits for a time.
func (p *mailbox) nextRefund() (next time.Time) {
	for _, r := range p.state.Refunds {
		if due := p.refunds[r.ID].due; r.ProviderID == "" && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// sendRefund sends a refund that waits, and goes on trying while orders are served.
func (p *mailbox) sendRefund(ctx workflow.Context) error {
	r := *p.toRefund(ctx)
	in := activities.RefundInput{PaymentID: p.in.PaymentID, ID: r.ID, Amount: r.Amount}
	var state payment.ProviderState
	err := p.runAttended(p.atProvider(payment.ForOperator)(ctx, "refund "+p.money(r.Amount)), act.Refund, in, &state)
	if errors.Is(err, errInterrupted) {
		return nil // the order comes next
	}
	return p.refunded(ctx, r, state, err)
}

// refunded takes what came of a refund. A refusal after a doubt is a doubt: the refund is looked for until the provider must show it.
func (p *mailbox) refunded(ctx workflow.Context, r payment.PendingRefund, state payment.ProviderState, err error) error {
	switch {
	case err == nil:
		err = p.apply(ctx, state, true)
		p.refunds[r.ID] = refundAttempt{due: workflow.Now(ctx).Add(refundSoon)} // unless it has the provider's id now
		return err
	case temporal.IsCanceledError(err):
		return err
	}
	attempt := p.refunds[r.ID]
	now := workflow.Now(ctx)
	refusal := KindOf(err) == failure.Invalid || KindOf(err) == failure.Conflict
	doubted := doubtOf(err).Earlier || KindOf(err) == failure.Conflict
	switch {
	case refusal && doubted && attempt.refusedAt.IsZero():
		attempt.refusedAt = now
		fallthrough
	case refusal && doubted && now.Before(attempt.refusedAt.Add(believedAfter)):
		attempt.due, _ = (&doubtedRefusal{at: attempt.refusedAt}).next(now)
	case refusal:
		in := activities.RefundRefusal{GiveUpInput: p.giveUp(err), ID: r.ID}
		return p.move(ctx, "end the refund", act.EndRefund, in)
	default:
		p.remember(ctx, "refund", err)
		attempt.due = now.Add(refundAgain)
		if err := p.reportUnknown(ctx, err); err != nil {
			return err
		}
	}
	p.refunds[r.ID] = attempt
	return nil
}

// refundLasts says whether a refund has not ended for so long that a person should look.
func (p *mailbox) refundLasts(ctx workflow.Context) bool {
	return slices.ContainsFunc(p.state.Refunds, func(r payment.PendingRefund) bool {
		return !r.AskedAt.IsZero() && !workflow.Now(ctx).Before(r.AskedAt.Add(refundMayLast))
	})
}

func (p *mailbox) money(centavos int64) string {
	return payment.Money{Centavos: centavos, Currency: p.state.Money.Currency}.String()
}
