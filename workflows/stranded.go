package workflows

import "go.temporal.io/sdk/workflow"

// ScheduleReopenStranded is the ID of the schedule that starts ReopenStranded, and the beginning of its runs' workflow IDs.
const ScheduleReopenStranded = "reopen-stranded"

// ReopenStranded opens dead letters again that a redrive had taken when it was terminated, so that the next redrive takes them.
func ReopenStranded(ctx workflow.Context, _ Scheduled) error {
	return workflow.ExecuteActivity(chore(ctx, "open the dead letters of terminated redrives again"), act.ReopenStranded).Get(ctx, nil)
}
