package workflows

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// SchedulePrune is the ID of the schedule that starts Prune, and the beginning of its runs' workflow IDs.
const SchedulePrune = "prune"

const (
	pruneEvery  = 24 * time.Hour
	pruneAt     = 6 * time.Hour // UTC: the middle of the night in Brazil
	pruneLate   = 12 * time.Hour
	pruneRounds = 200 // of one run; what is left then is the next day's
)

// Prune keeps the database from growing without bound: it makes the partitions that will be needed soon, and removes what is
// older than has to be kept. It touches no payment.
func Prune(ctx workflow.Context, keep payment.Retention) (payment.Pruned, error) {
	var all payment.Pruned
	var made []string
	if err := workflow.ExecuteActivity(last(ctx, "make partitions"), act.MakeMonths).Get(ctx, &made); err != nil {
		return all, err
	}
	for round := range pruneRounds {
		var out activities.PruneOutput
		if err := workflow.ExecuteActivity(last(ctx, fmt.Sprintf("prune, round %d", round+1)), act.Prune, keep).Get(ctx, &out); err != nil {
			return all, err
		}
		all.Add(out.Pruned)
		workflow.SetCurrentDetails(ctx, fmt.Sprintf(
			"made **%d** partitions  \nremoved: %d partitions of notifications and %d others, %d dead letters, %d findings, %d runs of reconciliation, %d signals, %d e-mails",
			len(made), all.Partitions, all.Notifications, all.DeadLetters, all.Findings, all.Runs, all.Signals, all.Emails))
		if !out.More {
			break
		}
	}
	workflow.GetLogger(ctx).Info("database pruned", "made", made, "partitions", all.Partitions, "notifications", all.Notifications,
		"dead_letters", all.DeadLetters, "findings", all.Findings, "runs", all.Runs, "signals", all.Signals, "emails", all.Emails)
	return all, nil
}

// KeepPruning makes the schedule that prunes once a day, or brings it up to date. One that an operator has paused stays paused.
func KeepPruning(ctx context.Context, c client.Client, keep payment.Retention) error {
	every := client.ScheduleIntervalSpec{Every: pruneEvery, Offset: pruneAt}
	return keepSchedule(ctx, c, every, pruneLate, &client.ScheduleWorkflowAction{
		ID: SchedulePrune, Workflow: Prune, Args: []any{keep}, TaskQueue: TaskQueue,
		StaticSummary: "Remove from the database what need not be kept",
	})
}
