package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/payment"
)

// ScheduleAlertFindings is the ID of the schedule that starts AlertFindings, and the beginning of its runs' workflow IDs.
const ScheduleAlertFindings = "alert-findings"

// AlertFindings looks again at what reconciliation found earlier, which may have settled itself, and reports to operators what has
// not. It asks the provider nothing, and runs whether or not the provider answers. It returns how many it has reported.
func AlertFindings(ctx workflow.Context, _ Scheduled) (int, error) {
	if err := workflow.ExecuteActivity(chore(ctx, "settle findings"), act.SettleFindings).Get(ctx, nil); err != nil {
		return 0, err
	}
	return alertFindings(ctx)
}

// alertFindings reports the findings that an operator has to look at, in the log and as events. What cannot be reported now is
// left to the next run.
func alertFindings(ctx workflow.Context) (reported int, err error) {
	for {
		var found []payment.Finding
		if err := workflow.ExecuteActivity(atAlert(ctx, "alert"), act.AlertFindings).Get(ctx, &found); err != nil {
			workflow.GetLogger(ctx).Error("findings not reported", "kind", KindOf(err), "reason", reason(err))
			return reported, err
		}
		if len(found) == 0 {
			return reported, nil
		}
		for _, f := range found {
			workflow.GetLogger(ctx).Error("the provider statement and the database disagree", "kind", f.Kind,
				"provider_payment_id", f.ProviderPaymentID, "payment_id", f.PaymentID, "detail", f.Detail)
		}
		reported += len(found)
	}
}
