package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
)

// errInterrupted says that an order has ended an activity before the provider's answer came. A charge may have been made.
var errInterrupted = errors.New("interrupted by an order")

// runAttended runs an activity that may wait for the provider for hours, and serves orders meanwhile: look and retry make the next attempt
// due now; all others that are possible end the activity. An attempt under way ends by itself first, and what it brings counts.
func (p *mailbox) runAttended(ctx workflow.Context, activity, in, out any) error {
	if !interruptible(ctx) {
		return workflow.ExecuteActivity(ctx, activity, in).Get(ctx, out)
	}
	options := workflow.GetActivityOptions(ctx)
	options.WaitForCancellation = true
	running, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, options))
	defer cancel()
	attempts := workflow.ExecuteActivity(running, activity, in)
	ended, busy, interrupted := false, false, false
	workflow.Go(ctx, func(ctx workflow.Context) {
		for !interrupted && workflow.Await(ctx, func() bool { return ended || p.ordered() }) == nil && !ended {
			busy = true
			interrupted = p.serveBeside(ctx)
			busy = false
		}
		if interrupted {
			cancel()
		}
	})
	p.waiting = options.Summary
	workflow.SetCurrentDetails(ctx, p.details())
	err := attempts.Get(ctx, out)
	p.waiting, ended = "", true
	p.wait(ctx, func() bool { return !busy })
	if err != nil && interrupted && ctx.Err() == nil && !final(err) {
		return errInterrupted
	}
	return err
}

// serveBeside serves the orders that wait while an activity does, and says whether one of them is to end the activity.
func (p *mailbox) serveBeside(ctx workflow.Context) (interrupts bool) {
	p.receive(ctx)
	for len(p.orders) > 0 {
		q := p.orders[0]
		refusal := p.forbidden(ctx, q.Order)
		hastens := q.Command == command.Look || q.Command == command.Retry
		if refusal == nil && !hastens {
			return true
		}
		p.orders = p.orders[1:]
		if refusal == nil {
			refusal = p.attemptNow(ctx, q.Order)
		}
		p.answer(ctx, q, refusal)
	}
	return false
}

// attemptNow makes the next attempt of the activity that waits due now.
func (p *mailbox) attemptNow(ctx workflow.Context, o command.Order) error {
	if refusal, err := p.audit(ctx, o); refusal != nil || err != nil {
		return errors.Join(refusal, err)
	}
	var n activities.Attempts
	err := workflow.ExecuteLocalActivity(once(ctx, "make the next attempt due now", quickTry), act.AttemptNow).Get(ctx, &n)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		return deny(failure.Unavailable, "Temporal has not made the next attempt due; repeat this")
	case n.Paused > 0 && n.Due+n.Running == 0:
		return deny(failure.Conflict, "the activity is paused; unpause it first")
	}
	return nil
}
