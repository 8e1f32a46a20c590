package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/payment"
)

// quickly tries a call of the provider once. Only when that fails does it become an activity, which orders may end.
func (p *mailbox) quickly(ctx workflow.Context, summary string, u payment.Urgency, activity, in, out any) error {
	if ended, err := tryOnce(ctx, summary, activity, in, out); ended {
		return err
	}
	return p.runAttended(p.atProvider(u)(ctx, summary), activity, in, out)
}

// quickly tries a repeatable activity once. Only when that fails does it become an activity with its own retries, seen in the Web UI.
func quickly(ctx workflow.Context, summary string, retried func(workflow.Context, string) workflow.Context, activity, in, out any) error {
	if ended, err := tryOnce(ctx, summary, activity, in, out); ended {
		return err
	}
	return workflow.ExecuteActivity(retried(ctx, summary), activity, in).Get(ctx, out)
}

// tryOnce runs a repeatable activity as a local activity, which costs no state transition of its own. ended says that another attempt
// would be of no use.
func tryOnce(ctx workflow.Context, summary string, activity, in, out any) (ended bool, err error) {
	err = workflow.ExecuteLocalActivity(once(ctx, summary, quickTry), activity, in).Get(ctx, out)
	return err == nil || temporal.IsCanceledError(err) || final(err), err
}
