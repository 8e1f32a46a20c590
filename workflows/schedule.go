package workflows

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
)

// ScheduleReconcile is the ID of the schedule that starts Reconcile, and the beginning of its runs' workflow IDs.
const ScheduleReconcile = "reconcile"

// Scheduled is the input of a workflow that needs none. Encrypted as every input is, it shows that our own schedule has started the run.
type Scheduled struct{}

// catchUp is how late a run may still be started. A missed one needs no making up: the next sees its window.
const catchUp = time.Minute

// schedules are what makes sure that nothing waits unseen. Each runs by itself, so that one that cannot go on holds up no other.
func schedules(grace time.Duration) []*client.ScheduleWorkflowAction {
	return []*client.ScheduleWorkflowAction{
		{ID: ScheduleReconcile, Workflow: Reconcile, Args: []any{ReconcileInput{Grace: grace}}, StaticSummary: "Compare Mercado Pago's statement with the database"},
		{ID: ScheduleSignalQuiet, Workflow: SignalQuiet, Args: []any{activities.QuietInput{}}, StaticSummary: "Signal payments whose workflow is gone"},
		{ID: ScheduleReopenStranded, Workflow: ReopenStranded, Args: []any{Scheduled{}}, StaticSummary: "Open the dead letters of terminated redrives again"},
		{ID: ScheduleAlertFindings, Workflow: AlertFindings, Args: []any{Scheduled{}}, StaticSummary: "Report what reconciliation found"},
		{ID: ScheduleSettleMoney, Workflow: SettleMoney, Args: []any{Scheduled{}}, StaticSummary: "Settle the payments whose money is released"},
		{ID: ScheduleWatchDisputes, Workflow: WatchDisputes, Args: []any{Scheduled{}}, StaticSummary: "Remind of disputes, and ask about those that are silent"},
	}
}

// KeepReconciling makes the schedules that reconcile, signal quiet payments, open stranded dead letters again, report findings, settle
// money and watch disputes every so often, or brings them up to date. One that an operator has paused stays paused.
func KeepReconciling(ctx context.Context, c client.Client, every, grace time.Duration) error {
	var failed error
	for _, action := range schedules(grace) {
		action.TaskQueue = TaskQueue
		failed = errors.Join(failed, keepSchedule(ctx, c, client.ScheduleIntervalSpec{Every: every}, catchUp, action))
	}
	return failed
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

// ReconcileNow starts a run of each schedule out of turn, or lets one follow the run that is under way.
func ReconcileNow(ctx context.Context, c client.Client) error {
	var failed error
	for _, action := range schedules(0) {
		err := c.ScheduleClient().GetHandle(ctx, action.ID).Trigger(ctx, client.ScheduleTriggerOptions{
			Overlap: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
		})
		failed = errors.Join(failed, interpret("start "+action.ID+" now", err))
	}
	return failed
}
