package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// searches is when the provider is searched after a refusal that came after a doubt. How long its search may take to know a
// payment Mercado Pago does not say.
var searches = [...]time.Duration{20 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, believedAfter}

// believedAfter is for how long such a refusal is doubted at least.
const believedAfter = 10 * time.Minute

// doubtedRefusal is a charge that was refused after an attempt that may have charged. The payment is unknown until the provider's search
// has found it, or has not known it for long enough.
type doubtedRefusal struct {
	err      error
	at       time.Time
	reported bool // operators were alerted, since the provider does not answer the search
}

// doubtRefusal parks the payment as unknown and begins to search. Nothing is reported yet: the search ends by itself.
func (p *mailbox) doubtRefusal(ctx workflow.Context, err error) error {
	p.remember(ctx, "charge", err)
	if err := p.move(ctx, "park", act.Park, p.giveUp(err)); err != nil {
		return err
	}
	if p.state.Status != payment.Unknown {
		return nil // the provider has answered meanwhile
	}
	p.refused = &doubtedRefusal{err: err, at: workflow.Now(ctx)}
	p.planPoll(ctx)
	return nil
}

// next is when to search after now.
func (r *doubtedRefusal) next(now time.Time) (at time.Time, ok bool) {
	for _, after := range searches {
		if at := r.at.Add(after); at.After(now) {
			return at, true
		}
	}
	return time.Time{}, false
}

// notFound is what follows when the provider has answered that it does not know the payment: a refusal is believed at last.
func (p *mailbox) notFound(ctx workflow.Context) error {
	r := p.refused
	switch {
	case p.awaitsCard():
		return p.stillAwaits(ctx)
	case p.state.Status != payment.Unknown:
		return nil
	case r == nil:
		return p.stayUnknown(ctx)
	case workflow.Now(ctx).Before(r.at.Add(believedAfter)):
		return nil
	}
	p.refused = nil
	return p.move(ctx, "fail", act.Fail, p.giveUp(r.err))
}

// stayUnknown compares the payment with the database. The row may be lost or older, as after a restore, or an operator may have settled
// the payment, and a reset has left that out.
func (p *mailbox) stayUnknown(ctx workflow.Context) error {
	if !comparesUnknown(ctx) {
		return nil
	}
	return p.move(ctx, "park", act.Park, activities.GiveUpInput{PaymentID: p.in.PaymentID, Why: "the provider does not know the payment"})
}

// unsearchable alerts operators, once, of a refusal that cannot be checked in time.
func (p *mailbox) unsearchable(ctx workflow.Context, why error) error {
	r := p.refused
	if r == nil || r.reported || workflow.Now(ctx).Before(r.at.Add(believedAfter)) {
		return nil
	}
	r.reported = true
	return p.reportUnknown(ctx, why)
}

// searching says whether the payment is unknown and was not reported yet, since it is being searched for.
func (p *mailbox) searching() bool { return p.refused != nil && !p.refused.reported }
