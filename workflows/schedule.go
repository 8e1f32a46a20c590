package workflows

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// ScheduleReconcile is the ID of the schedule that starts Reconcile, and the beginning of its runs' workflow IDs.
const ScheduleReconcile = "reconcile"

// catchUp is how late a run may still be started. A missed one needs no making up: the next sees its window.
const catchUp = time.Minute

// KeepReconciling makes the schedule that reconciles every so often, or brings it up to date. One that an operator has
// paused stays paused.
func KeepReconciling(ctx context.Context, c client.Client, every, grace time.Duration) error {
	return keepSchedule(ctx, c, client.ScheduleIntervalSpec{Every: every}, catchUp, &client.ScheduleWorkflowAction{
		ID: ScheduleReconcile, Workflow: Reconcile, Args: []any{ReconcileInput{Grace: grace}}, TaskQueue: TaskQueue,
		StaticSummary: "Compare Mercado Pago's books with ours",
	})
}

// keepSchedule makes the schedule that is named as its action is, or brings it up to date.
func keepSchedule(ctx context.Context, c client.Client, every client.ScheduleIntervalSpec, catchUp time.Duration, action *client.ScheduleWorkflowAction) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{every}}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: action.ID, Spec: spec, Action: action,
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: catchUp,
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return interpret("make the schedule "+action.ID, err)
	}
	err = c.ScheduleClient().GetHandle(ctx, action.ID).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			s.Spec, s.Action = &spec, action
			s.Policy = &client.SchedulePolicies{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: catchUp}
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	})
	return interpret("update the schedule "+action.ID, err)
}

// ReconcileNow starts a run out of turn, or lets one follow the run that is under way.
func ReconcileNow(ctx context.Context, c client.Client) error {
	err := c.ScheduleClient().GetHandle(ctx, ScheduleReconcile).Trigger(ctx, client.ScheduleTriggerOptions{
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
	})
	return interpret("reconcile now", err)
}
