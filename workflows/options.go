package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/payment"
)

// budget is how long a payment keeps trying before an operator has to look at it. It is a time, not a number of attempts, so that
// an outage of the provider does not use it up.
const budget = 24 * time.Hour

// inDatabase is for activities that only touch Postgres: quick, and repeated until the database is available again.
func inDatabase(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: budget,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
		Summary: summary,
	})
}

// How long a quick try may take. Both are shorter than a workflow task's ten seconds.
const (
	quickTry  = 2 * time.Second
	chargeTry = 6 * time.Second // longer than the activity gives itself
)

// once is for a first, quick try of an activity that will become an activity of its own when it fails.
func once(ctx workflow.Context, summary string, length time.Duration) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		ScheduleToCloseTimeout: length,
		RetryPolicy:            &temporal.RetryPolicy{MaximumAttempts: 1},
		Summary:                summary,
	})
}

// atProvider is for calls that Mercado Pago answers, on their own queue, where the most urgent goes first. One attempt is longer
// than the HTTP timeout, the search that may follow and the wait for each one's turn, and short enough that a killed worker costs
// seconds. All attempts together end within a time.
func atProvider(ctx workflow.Context, summary string, priority temporal.Priority, within time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              ProviderTaskQueue,
		StartToCloseTimeout:    14 * time.Second,
		ScheduleToCloseTimeout: within,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 2 * time.Minute,
		},
		Priority: priority,
		Summary:  summary,
	})
}

func (p *mailbox) atProvider(u payment.Urgency) func(workflow.Context, string) workflow.Context {
	return func(ctx workflow.Context, summary string) workflow.Context {
		return atProvider(ctx, summary, p.priority(u), budget)
	}
}

// whileAsked is for a call that Mercado Pago answers while an operator waits. The operator can ask again.
func (p *mailbox) whileAsked(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              ProviderTaskQueue,
		StartToCloseTimeout:    14 * time.Second,
		ScheduleToCloseTimeout: 15 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2},
		Priority:               p.priority(payment.ForOperator),
		Summary:                summary,
	})
}

// atBroker is for events that RabbitMQ did not take at the first try.
func atBroker(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Second,
		ScheduleToCloseTimeout: budget,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
		Summary: summary,
	})
}

// sweepBudget is short of a payment's: when the provider is unavailable for longer the run fails, and a later one sees more.
const sweepBudget = 2 * time.Hour

// atSweep is for reading what changed at the provider: no request waits for it, so it comes last.
func atSweep(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithTaskQueue(last(ctx, summary), ProviderTaskQueue)
}

// last is for activities that let all others go first.
func last(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: sweepBudget,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
		Priority: priority(payment.ForSweep),
		Summary:  summary,
	})
}

// chore is for work that a schedule repeats: what fails for long fails its run, where operators see it, and the next one tries anew.
func chore(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: 15 * time.Minute,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
		Priority: priority(payment.ForSweep),
		Summary:  summary,
	})
}

// atAlert is for reporting findings. It gives up soon, since the next run reports what this one could not.
func atAlert(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: time.Minute,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2},
		Summary:                summary,
	})
}

// untilSent is for the dead letter of a run that ends with it: nothing is lost while the broker is unavailable, however long.
func untilSent(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute,
		},
		Summary: summary,
	})
}

// atRedrive is for one batch of dead letters. A worker that dies in the middle is noticed by its silence. A batch that is
// cancelled is waited for, so that what it has sent is known.
func atRedrive(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    5 * time.Minute,
		ScheduleToCloseTimeout: budget,
		HeartbeatTimeout:       15 * time.Second,
		WaitForCancellation:    awaitsBatch(ctx),
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second,
		},
		Summary: summary,
	})
}
