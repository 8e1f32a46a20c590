package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
)

// ScheduleWatchDisputes is the ID of the schedule that starts WatchDisputes, and the beginning of its runs' workflow IDs.
const ScheduleWatchDisputes = "watch-disputes"

// WatchDisputes reminds of disputes whose deadline is near, in the log and as events, and has those read that the provider has been silent
// about. It looks at all disputes together, so that a dispute that waits needs no workflow. It returns how many it has reminded of.
func WatchDisputes(ctx workflow.Context, _ Scheduled) (reminded int, err error) {
	for round := range settleRounds {
		var out activities.DisputesWatched
		if err := workflow.ExecuteActivity(chore(ctx, fmt.Sprintf("watch disputes, round %d", round+1)), act.WatchDisputes).Get(ctx, &out); err != nil {
			return reminded, err
		}
		for _, d := range out.Reminded {
			workflow.GetLogger(ctx).Error("the deadline of a dispute is near, and no documents are there", "payment_id", d.PaymentID, "dispute_id", d.ID,
				"kind", d.Kind, "deadline", d.Deadline)
		}
		reminded += len(out.Reminded)
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%d** disputes reminded of", reminded))
		if !out.More {
			break
		}
	}
	return reminded, nil
}
