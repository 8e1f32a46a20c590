package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/payment"
)

// Polls says when a payment's workflow looks at the provider without a signal. A lost webhook costs the time until the next poll:
// the gaps start at First and double up to Max.
type Polls struct {
	First       time.Duration `json:"first"`
	Max         time.Duration `json:"max"`
	AfterExpiry time.Duration `json:"after_expiry"` // how long after a Pix's end the provider is asked what became of it
}

// orDefault completes what a run started by hand was not given.
func (p Polls) orDefault() Polls {
	return Polls{First: cmp.Or(p.First, time.Minute), Max: cmp.Or(p.Max, time.Hour), AfterExpiry: cmp.Or(p.AfterExpiry, 30*time.Second)}
}

// gap is the time between the look numbered looks, counted from 0, and the next.
func (p Polls) gap(looks int) time.Duration {
	gap := p.First
	for range looks {
		if gap *= 2; gap >= p.Max {
			return p.Max
		}
	}
	return gap
}

// toCharge says whether the provider has still to be asked for the money. After a crash, a reset or a
// signal that found an unfinished payment it is asked again, under the same key.
func (p *mailbox) toCharge() bool {
	return p.state.Status == payment.Processing
}

// called says whether there is work: a signal, an order of an operator or a lost row. The run then waits for nothing.
func (p *mailbox) called() bool {
	return p.lost || p.ordered() || len(p.entries) > 0 || p.signalled() || p.disputed()
}

func (p *mailbox) signalled() bool { return p.signals.Len() > 0 }

func (p *mailbox) drain() {
	for p.signals.ReceiveAsync(nil) {
	}
}

// lookReason is why the provider is asked.
type lookReason int

const (
	polled    lookReason = iota // the next poll is due
	signalled                   // a signal has come
	repeated                    // a signal has brought no news, and the provider is asked again soon
)

// soonAgain is how long after a signal that has brought no news the provider is asked again, each time since the last. The provider
// may not show yet what the signal was sent for.
var soonAgain = [...]time.Duration{2 * time.Second, 10 * time.Second, 60 * time.Second}

// reason is why to look now.
func (p *mailbox) reason(ctx workflow.Context) lookReason {
	switch {
	case p.signalled():
		return signalled
	case workflow.Now(ctx).Before(p.pollDue()):
		return repeated
	}
	return polled
}

// lookNext decides when to look next. A poll is a whole gap before the next. A signal never makes the next poll later.
func (p *mailbox) lookNext(ctx workflow.Context, why lookReason, news bool) {
	now := workflow.Now(ctx)
	if !p.soonAt.After(now) {
		p.soonAt = time.Time{}
	}
	if why == polled || why == signalled && !(p.state.Status.Open() && looksSoon(ctx)) {
		p.planPoll(ctx)
		return
	}
	if why == signalled {
		p.soon, p.soonAt = 0, time.Time{}
	}
	if !news && p.soon < len(soonAgain) {
		p.soonAt = now.Add(soonAgain[p.soon])
		p.soon++
	}
}

// due is when to look without a signal: at the next poll, or sooner after a signal that has brought no news.
func (p *mailbox) due() time.Time {
	due := p.pollDue()
	if next := p.nextRefund(); !next.IsZero() && next.Before(due) {
		due = next
	}
	if !p.soonAt.IsZero() && p.soonAt.Before(due) {
		return p.soonAt
	}
	return due
}

// pollDue is when to poll: when the gap is over, or soon after the Pix has ended if that
// is sooner and was not looked at when the next poll was decided.
func (p *mailbox) pollDue() time.Time {
	end := p.end()
	if p.state.ExpiresAt.IsZero() || !end.Before(p.pollAt) || !end.After(p.polledAt) {
		return p.pollAt
	}
	return end
}

// end is when a Pix that was to be paid by then is looked at, or closed.
func (p *mailbox) end() time.Time { return p.state.ExpiresAt.Add(p.in.Polls.AfterExpiry) }

// closes says whether a look shall close the payment: it is unpaid at its end, which is ours to keep. So is that of a challenge, which the
// provider would leave pending, and that of the time to enter a card, of which the provider does not know.
func (p *mailbox) closes(ctx workflow.Context) bool {
	return (p.state.KeepsEnd || p.state.Challenged || p.awaitsCard()) && p.state.Status == payment.Pending && !workflow.Now(ctx).Before(p.end()) && closesAtEnd(ctx)
}

// planPoll decides when to look again. A refusal that is doubted has its own times.
func (p *mailbox) planPoll(ctx workflow.Context) {
	p.polledAt = workflow.Now(ctx)
	p.pollAt = p.polledAt.Add(p.in.Polls.gap(p.looks))
	if p.awaitsCard() {
		p.pollAt = p.pollEntry(p.polledAt)
	} else if p.closes(ctx) {
		p.pollAt = p.polledAt.Add(p.in.Polls.First) // it could not be closed
	}
	if p.refused == nil {
		return
	}
	if at, ok := p.refused.next(p.polledAt); ok {
		p.pollAt = at
	}
}

// quiet says whether nothing is under way that a fresh run would not know of.
func (p *mailbox) quiet(ctx workflow.Context) bool {
	return workflow.AllHandlersFinished(ctx) && p.refused == nil && p.reports == 0 && len(p.disputes.told) == 0 && p.disputes.signals.Len() == 0
}

func (p *mailbox) overdue(ctx workflow.Context) bool {
	return p.expects() && !workflow.Now(ctx).Before(p.due())
}

// urgency is that of a look: for a buyer who has nothing to pay with yet, for news, or for a poll.
func (p *mailbox) urgency(why lookReason) payment.Urgency {
	switch {
	case !p.answered():
		return payment.ForBuyer
	case why == polled:
		return payment.ForSweep
	}
	return payment.ForNews
}

// wait and waitUntil return early when the run is cancelled; their callers look at ctx.Err.
func (p *mailbox) wait(ctx workflow.Context, condition func() bool) {
	_ = workflow.Await(ctx, condition)
}

func (p *mailbox) waitUntil(ctx workflow.Context, t time.Time, summary string, condition func() bool) {
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: t.Sub(workflow.Now(ctx)), TimerOptions: workflow.TimerOptions{Summary: summary},
	}, condition)
}

// waitsFor is what the next look without a signal is for, for people who read the run's timers.
func (p *mailbox) waitsFor(ctx workflow.Context) string {
	switch due := p.due(); {
	case p.refused != nil:
		return "the next search before the refusal is believed"
	case due.Equal(p.nextRefund()):
		return "the next attempt to refund"
	case due.Equal(p.soonAt):
		return "another look soon after a signal"
	case p.state.Status == payment.Unknown:
		return "the next search for the charge"
	case p.state.Status == payment.Authorized && due.Equal(p.end()):
		return "the end of the reservation, to look at it"
	case !p.state.ExpiresAt.IsZero() && due.Equal(p.end()) && (p.state.KeepsEnd || p.state.Challenged || p.awaitsCard()):
		return "the end of the time to pay, to close the payment"
	case !p.state.ExpiresAt.IsZero() && due.Equal(p.end()):
		return "the end of the time to pay, to look at the payment"
	}
	return "the next poll"
}

// fresh says whether the history is long enough for a fresh run, and nothing keeps this one.
func (p *mailbox) fresh(ctx workflow.Context) bool {
	return (workflow.GetInfo(ctx).GetContinueAsNewSuggested() || p.outdated(ctx)) && p.quiet(ctx)
}
