package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
)

// ScheduleSettleMoney is the ID of the schedule that starts SettleMoney, and the beginning of its runs' workflow IDs.
const ScheduleSettleMoney = "settle-money"

// settleRounds are the activities of one run; what is left then is the next run's.
const settleRounds = 100

// SettleMoney settles the payments whose money the provider has released: it becomes available, and payment.settled says so. It looks at
// all payments together, so that a payment that waits for its money needs no workflow. It returns how many it has settled.
func SettleMoney(ctx workflow.Context, _ Scheduled) (settled int, err error) {
	for round := range settleRounds {
		var out activities.MoneySettled
		if err := workflow.ExecuteActivity(chore(ctx, fmt.Sprintf("settle money, round %d", round+1)), act.SettleMoney).Get(ctx, &out); err != nil {
			return settled, err
		}
		settled += out.Payments
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%d** payments settled", settled))
		if !out.More {
			break
		}
	}
	return settled, nil
}
