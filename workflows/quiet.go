package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
)

// ScheduleSignalQuiet is the ID of the schedule that starts SignalQuiet, and the beginning of its runs' workflow IDs.
const ScheduleSignalQuiet = "signal-quiet"

// SignalQuiet looks through the payments that are open, or have a refund that has not ended, and have not changed for long. It signals
// those that have no workflow any more, because their run was terminated or lost. The signal starts a new one. It asks the provider
// nothing itself, and runs whether or not the provider answers; the signalled payments ask it at a limited rate. In the end it signals
// checkouts that wait after their end. It returns how many payments it has looked at, and how many of them it has signalled.
func SignalQuiet(ctx workflow.Context, in activities.QuietInput) (activities.Quiet, error) {
	for {
		var next activities.Quiet
		summary := fmt.Sprintf("signal quiet payments, %d seen", in.Seen.Checked)
		if err := workflow.ExecuteActivity(chore(ctx, summary), act.SignalQuiet, in).Get(ctx, &next); err != nil {
			return in.Seen, err
		}
		in.Seen.Checked += next.Checked
		in.Seen.Signalled += next.Signalled
		in.Seen.Checkouts += next.Checkouts
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%d** quiet payments looked at, **%d** of them without a run and signalled", in.Seen.Checked, in.Seen.Signalled))
		if next.Rest == nil {
			return in.Seen, nil
		}
		in.After = *next.Rest
		if err := workflow.Sleep(ctx, next.Pause); err != nil {
			return in.Seen, err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return in.Seen, workflow.NewContinueAsNewError(ctx, SignalQuiet, in)
		}
	}
}
