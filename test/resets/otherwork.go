package resets

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/workflows"
)

// otherWork plays one reset, twice, of a run that is no payment's: a checkout, an e-mail, a redrive, a run of reconciliation, or what a
// schedule starts.
func (p *player) otherWork(ctx context.Context, a attempt) (wrong []string, err error) {
	run := &common.WorkflowExecution{WorkflowId: fmt.Sprintf("%s/reset-%d", strings.ToLower(a.recording.workflow()), a.number), RunId: uuid.NewString()}
	texts := []string{a.recording.started().GetOriginalExecutionRunId(), run.GetRunId()}
	check := func(context.Context) ([]string, error) { return nil, nil }
	switch a.recording.workflow() {
	case "Checkout":
		texts, check, err = p.checkedOut(ctx, a, run, texts)
	case "Email":
		texts, check, err = p.emailed(ctx, a, run, texts)
	case "Redrive":
		texts, check, err = p.redriven(ctx, a, run, texts)
	case "Reconcile":
		_, err = p.database.BeginReconciliation(ctx, postgres.BeginPlan{ID: run.GetRunId(), Now: time.Now(), Longest: time.Hour})
	}
	if err != nil {
		return nil, err
	}
	changed, err := a.recording.changed(strings.NewReplacer(texts...), a.later())
	if err != nil {
		return nil, err
	}
	if err := importHistory(ctx, p.conn, run, changed.GetEvents()); err != nil {
		return nil, err
	}
	for _, time := range []string{"first", "second"} {
		runID, err := p.reset(ctx, run, a)
		if err != nil {
			return wrong, err
		}
		if checkout, is := strings.CutPrefix(run.GetWorkflowId(), workflows.CheckoutWorkflowID("")); is { // it waits for its buyer otherwise
			if err := p.product.LookAtCheckout(ctx, checkout); err != nil {
				return wrong, err
			}
		}
		found, err := p.completed(ctx, run.GetWorkflowId())
		if err != nil {
			return wrong, err
		}
		failed, err := p.failedTasks(ctx, run.GetWorkflowId(), runID, a.point)
		if err != nil {
			return wrong, err
		}
		found = append(found, failed...)
		more, err := check(ctx)
		if err != nil {
			return wrong, err
		}
		for _, f := range append(found, more...) {
			wrong = append(wrong, time+" reset: "+f)
		}
	}
	return wrong, nil
}

// completed waits until the newest run of a workflow has ended, and says what is wrong with its end.
func (p *player) completed(ctx context.Context, workflowID string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for {
		run, err := p.temporal.DescribeWorkflow(ctx, workflowID, "")
		if err != nil {
			return nil, err
		}
		switch status := run.RawResponse.GetWorkflowExecutionInfo().GetStatus(); status {
		case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
			return nil, nil
		case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		default:
			return []string{"the run is " + status.String()}, nil
		}
		if !platform.Pause(ctx, 250*time.Millisecond) {
			return []string{"the run does not end"}, nil
		}
	}
}

// emailed makes the paid payment of a receipt, whose buyer gets one e-mail, however often its run is reset.
func (p *player) emailed(ctx context.Context, a attempt, run *common.WorkflowExecution, texts []string) ([]string, func(context.Context) ([]string, error), error) {
	var in activities.EmailInput
	if err := read(a.recording.started().GetInput().GetPayloads(), &in); err != nil {
		return nil, nil, err
	}
	key := fmt.Sprintf("reset-%d", a.number)
	id, buyer := payment.NewID(clientApp, key), key+"@example.com"
	run.WorkflowId = workflows.EmailWorkflowID(id + "/" + string(in.Notice))
	money := payment.Money{Centavos: 1050, Currency: payment.BRL}
	made, status, err := charge(ctx, p.Platform, id, "forgotten-"+id, "", nil, money)
	if err == nil {
		err = bring(ctx, p.Platform, made, status, false, payment.Approved)
	}
	if err != nil {
		return nil, nil, err
	}
	s := story{opened: activities.State{Found: true, Money: money}, provider: &payment.ProviderState{
		PaymentID: made, Reference: id, Status: payment.Approved, RawStatus: "approved", Money: money, UpdatedAt: time.Now(),
	}}
	s.input.Creation = &payment.Creation{Request: payment.Request{Amount: money, Method: payment.Method{Type: payment.Pix, ExpiresIn: 3600}, Payer: payment.Payer{Email: buyer}}}
	if err := write(ctx, p.database, s, id, key, rowKept, time.Now()); err != nil {
		return nil, nil, err
	}
	check := func(ctx context.Context) ([]string, error) {
		mails, err := p.Mailbox.Mails(ctx, buyer)
		if len(mails) > 1 {
			return []string{fmt.Sprintf("%d e-mails", len(mails))}, err
		}
		return nil, err
	}
	return append(texts, in.PaymentID, id), check, nil
}

// redriven makes the dead letters that a redrive chooses. Each is sent once by it, however often its run is reset.
func (p *player) redriven(ctx context.Context, a attempt, run *common.WorkflowExecution, texts []string) ([]string, func(context.Context) ([]string, error), error) {
	var in workflows.RedriveInput
	if err := read(a.recording.started().GetInput().GetPayloads(), &in); err != nil {
		return nil, nil, err
	}
	redrive, fingerprint := uuid.NewString(), fmt.Sprintf("%016x", a.number)
	run.WorkflowId = workflows.RedriveWorkflowID(redrive)
	var dead []deadletter.Message
	for i := range 3 {
		id := deadletter.NewID(fmt.Sprintf("reset-%d-%d", a.number, i), "")
		dead = append(dead, deadletter.Message{
			ID: id, Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Fingerprint: fingerprint, Error: "made for a reset",
			Original: deadletter.Original{ID: id, Exchange: "onlywave.webhooks", Key: "mercadopago.payment", Body: []byte(`{}`)},
			Deaths:   1, DiedAt: a.recording.run.GetEvents()[0].GetEventTime().AsTime().Add(a.later() - time.Hour), State: deadletter.Open,
		})
	}
	if _, err := p.database.KeepDeadLetters(ctx, dead); err != nil {
		return nil, nil, err
	}
	check := func(ctx context.Context) (wrong []string, err error) {
		for _, d := range dead {
			redrives, err := p.database.Redrives(ctx, d.ID)
			if err != nil {
				return nil, err
			}
			if len(redrives) > 1 {
				wrong = append(wrong, fmt.Sprintf("a dead letter was sent %d times", len(redrives)))
			}
		}
		return wrong, nil
	}
	return append(texts, in.ID, redrive, in.Filter.Fingerprint, fingerprint), check, nil
}
