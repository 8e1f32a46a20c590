package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// Email sends one e-mail. It is no part of the payment's own workflow, which would have to stay awake for a mail server that is
// slow: the activity that publishes a payment's events begins it, under an ID by which it is begun once. What cannot be sent within
// a day fails, where it can be found and reset.
func Email(ctx workflow.Context, in activities.EmailInput) (activities.Emailed, error) {
	var done activities.Emailed
	err := workflow.ExecuteActivity(atMailServer(ctx, string(in.Notice)), act.SendEmail, in).Get(ctx, &done)
	return done, err
}

// EmailWorkflowID is the ID of the workflow that sends an e-mail: email/<payment>/<notice>, or email/operators/<cause>/<hour>.
func EmailWorkflowID(name string) string { return "email/" + name }

// atMailServer is for one e-mail. An attempt has time to reach the server, to give it the e-mail and to note that down, however
// slow the server is: the next must not begin before this one has ended. A killed worker costs as long. Payments go first.
func atMailServer(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    40 * time.Second,
		ScheduleToCloseTimeout: budget,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 2 * time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute,
		},
		Priority: priority(payment.ForSweep),
		Summary:  summary,
	})
}
