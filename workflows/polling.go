package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/payment"
)

// toCharge says whether the provider has still to be asked for the money. After a crash, a reset or a
// signal that found an unfinished payment it is asked again, under the same key.
func (p *mailbox) toCharge() bool {
	return p.state.Status == payment.Processing
}

// called says whether somebody wants something, so that nothing is to be waited for.
func (p *mailbox) called() bool { return p.lost || len(p.settlements) > 0 || p.signalled() }

func (p *mailbox) signalled() bool { return p.signals.Len() > 0 }

func (p *mailbox) drain() {
	for p.signals.ReceiveAsync(nil) {
	}
}

// lookReason is why the provider is asked.
type lookReason int

const (
	poll  lookReason = iota // nobody has told us to
	told                    // by a signal
	again                   // soon after a signal that has brought no news
)

// soonAgain is how long after a signal that has brought no news the provider is asked again, each time since the last: what it has
// told of may not be seen yet where it is read.
var soonAgain = [...]time.Duration{2 * time.Second, 10 * time.Second, 60 * time.Second}

// reason is why to look now.
func (p *mailbox) reason(ctx workflow.Context) lookReason {
	switch {
	case p.signalled():
		return told
	case workflow.Now(ctx).Before(p.pollDue()):
		return again
	}
	return poll
}

// lookNext decides when to look next. A poll is a whole gap before the next. A signal never makes the next poll later.
func (p *mailbox) lookNext(ctx workflow.Context, why lookReason, news bool) {
	now := workflow.Now(ctx)
	if !p.soonAt.After(now) {
		p.soonAt = time.Time{}
	}
	if why == poll || why == told && !(p.state.Status.Open() && looksSoon(ctx)) {
		p.planPoll(ctx)
		return
	}
	if why == told {
		p.soon, p.soonAt = 0, time.Time{}
	}
	if !news && p.soon < len(soonAgain) {
		p.soonAt = now.Add(soonAgain[p.soon])
		p.soon++
	}
}

// due is when to look without being told: at the next poll, or sooner after a signal that has brought no news.
func (p *mailbox) due() time.Time {
	due := p.pollDue()
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

// closes says whether a look shall close the Pix: nobody has paid it by its end, which is ours to keep.
func (p *mailbox) closes(ctx workflow.Context) bool {
	return p.state.KeepsEnd && p.state.Status == payment.Pending && !workflow.Now(ctx).Before(p.end()) && closesAtEnd(ctx)
}

// planPoll decides when to look again. A refusal that is doubted has its own times.
func (p *mailbox) planPoll(ctx workflow.Context) {
	p.polledAt = workflow.Now(ctx)
	p.pollAt = p.polledAt.Add(p.in.Polls.gap(p.looks))
	if p.closes(ctx) {
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
	return workflow.AllHandlersFinished(ctx) && p.refused == nil && p.reports == 0
}

func (p *mailbox) overdue(ctx workflow.Context) bool {
	return p.state.Status.Open() && !workflow.Now(ctx).Before(p.due())
}

// urgency is who waits for a look: a buyer who has nothing to pay with yet, or whoever has news, or nobody.
func (p *mailbox) urgency(why lookReason) payment.Urgency {
	switch {
	case !p.answered():
		return payment.ForBuyer
	case why == poll:
		return payment.ForSweep
	}
	return payment.ForNews
}

// wait and waitUntil return early when the run is cancelled; their callers look at ctx.Err.
func (p *mailbox) wait(ctx workflow.Context, condition func() bool) {
	_ = workflow.Await(ctx, condition)
}

func (p *mailbox) waitUntil(ctx workflow.Context, t time.Time, condition func() bool) {
	_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: t.Sub(workflow.Now(ctx)), TimerOptions: workflow.TimerOptions{Summary: "look without being told"},
	}, condition)
}
