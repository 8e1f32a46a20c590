package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// longestTrail is how many failures a dead letter holds: the latest.
const longestTrail = 10

// deadLetter ends a run that cannot go on. The payment is left to a person by a dead letter, for which the run waits as long
// as it takes, and then the run fails with the dead letter's cause as the error's type, where it can be found and reset.
func (p *mailbox) deadLetter(ctx workflow.Context, err error) error {
	if temporal.IsCanceledError(err) || !writesDeadLetters(ctx) {
		return err
	}
	cause := deadletter.CauseOf(KindOf(err))
	p.remember(ctx, "run", err)
	sent := workflow.ExecuteActivity(untilSent(ctx, "dead letter "+string(cause)), act.DeadLetter, p.deadLetterInput(ctx, cause, err)).Get(ctx, nil)
	if temporal.IsCanceledError(sent) {
		return sent
	}
	if sent != nil {
		workflow.GetLogger(ctx).Error("a dead letter was not sent", "payment_id", p.in.PaymentID, "cause", cause, "reason", reason(sent))
	}
	workflow.SetCurrentDetails(ctx, "**Dead letter, "+string(cause)+"**: "+reason(err)+"  \n"+cause.Advice())
	updates := []temporal.SearchAttributeUpdate{deadLetterAttribute(cause)}
	if p.tells() {
		updates = append(updates, attentionAttribute(true))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		return err
	}
	return temporal.NewNonRetryableApplicationError(reason(err), string(cause), err)
}

// reportUnknown alerts operators of a payment whose outcome is unknown. The run goes on looking for it, also while the broker does
// not take the dead letter; once the outcome is known, the database resolves the dead letter by itself, and one that was not taken
// yet is needless.
func (p *mailbox) reportUnknown(ctx workflow.Context, why error) error {
	if !writesDeadLetters(ctx) {
		return nil
	}
	summary, message := "dead letter "+string(deadletter.CauseUnknownOutcome), p.deadLetterInput(ctx, deadletter.CauseUnknownOutcome, why)
	if !reportsBeside(ctx) {
		return quickly(ctx, summary, atBroker, act.DeadLetter, message, nil)
	}
	p.reports++
	if p.cancelReport != nil {
		p.cancelReport() // one at a time: the newest says most
	}
	ctx, p.cancelReport = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { p.reports-- }()
		if err := quickly(ctx, summary, untilSent, act.DeadLetter, message, nil); err != nil && !temporal.IsCanceledError(err) {
			workflow.GetLogger(ctx).Error("a dead letter was not sent", "payment_id", p.in.PaymentID, "cause", message.Cause, "reason", reason(err))
		}
	})
	return nil
}

// stopReports ends what is being reported once the outcome is known.
func (p *mailbox) stopReports() {
	if p.cancelReport != nil && p.answered() {
		p.cancelReport()
		p.cancelReport = nil
	}
}

// openCause is the cause of the payment's open dead letter while its run goes on, or "".
func (p *mailbox) openCause(ctx workflow.Context) deadletter.Cause {
	if p.state.Status == payment.Unknown && !p.searching() && writesDeadLetters(ctx) {
		return deadletter.CauseUnknownOutcome
	}
	return ""
}

func (p *mailbox) deadLetterInput(ctx workflow.Context, cause deadletter.Cause, err error) activities.DeadLetterInput {
	run := workflow.GetInfo(ctx).WorkflowExecution
	return activities.DeadLetterInput{
		PaymentID: p.in.PaymentID, WorkflowID: run.ID, RunID: run.RunID,
		Cause: cause, Error: reason(err), At: workflow.Now(ctx).UTC(), Trail: p.trail,
	}
}

// remember adds a failure to the trail.
func (p *mailbox) remember(ctx workflow.Context, doing string, err error) {
	number := 1
	if len(p.trail) > 0 {
		number = p.trail[len(p.trail)-1].Attempt + 1
	}
	p.trail = append(p.trail, deadletter.Attempt{Attempt: number, At: workflow.Now(ctx).UTC(), Error: doing + ": " + reason(err)})
	p.trail = p.trail[max(0, len(p.trail)-longestTrail):]
}
