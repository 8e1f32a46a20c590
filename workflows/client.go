package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// shortestWait is what the start itself may take; whoever wants to wait less gets at least this.
const shortestWait = time.Second

// queryTimeout is how long a worker may take to answer for a workflow.
const queryTimeout = 10 * time.Second

// memoFingerprint shows whether the payment or redrive that is there already is the one that is asked for.
const memoFingerprint = "fingerprint"

// Client is the only code that starts, updates and signals workflows.
type Client struct {
	temporal client.Client
	polls    Polls
	// Hash is a keyed hash for what Temporal stores in clear: that of a codec, in each process that creates payments. nil in tests without
	// encryption.
	Hash func(texts ...string) string
}

// NewClient makes the client to a Temporal namespace.
func NewClient(c client.Client, polls Polls) *Client { return &Client{temporal: c, polls: polls} }

// CreateInput is a client app's request for a payment.
type CreateInput struct {
	payment.Creation
	PaymentID string
	Wait      time.Duration // how long to wait for the provider's answer
	Unread    bool          // the database could not be asked whether there is another request under the key
	Lost      *Answer       // what a run has answered before, if the database does not have it
}

// Create starts the payment or joins it; this is the moment from which the payment exists. The answer is nil when there was
// no answer within Wait: the payment goes on by itself. Errors: Conflict when the key was used for another request;
// Unavailable when Temporal cannot take it, in which case repeating the call with the same key is safe.
func (c *Client) Create(ctx context.Context, in CreateInput) (*Answer, error) {
	in.Fingerprint = in.Print()
	if in.Unread {
		if run, _ := c.runOf(ctx, in.ClientID, in.PaymentID); run.another(in.Fingerprint) {
			return nil, conflict(in)
		}
	}
	waiting, cancel := context.WithTimeout(ctx, max(in.Wait, shortestWait))
	defer cancel()
	answer, err := c.create(waiting, in)
	switch {
	case err == nil:
		return &answer, nil
	case failure.KindOf(err) != failure.Unavailable, unwritten(err):
		return nil, err
	}
	run, _ := c.runOf(context.WithoutCancel(ctx), in.ClientID, in.PaymentID)
	switch {
	case run.another(in.Fingerprint):
		return nil, conflict(in)
	case run.status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return nil, nil
	}
	return nil, err
}

func conflict(in CreateInput) error {
	return &failure.Error{
		Kind: failure.Conflict, Message: "the idempotency key was used for another request",
		Err: fmt.Errorf("create payment %s: its run was started by another request", in.PaymentID),
	}
}

// create joins the payment's run or starts one. A run that follows another one gets AskedAt, and then looks for a charge before it
// makes one.
func (c *Client) create(ctx context.Context, in CreateInput) (answer Answer, err error) {
	name := c.createID(in)
	var askedAt time.Time
	if in.Lost != nil {
		askedAt = cmp.Or(in.Lost.AskedAt, time.Now().UTC())
		name += fmt.Sprintf("-lost-%d", time.Now().Unix()/10) // the run has answered for the update itself
	}
	err = c.untilHeard(ctx, WorkflowID(in.PaymentID), name, func(updateID string) error {
		answer, err = c.tryCreate(ctx, in, askedAt, updateID)
		if _, closed := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); closed {
			askedAt = time.Now().UTC()
			answer, err = c.tryCreate(ctx, in, askedAt, updateID)
		}
		return err
	})
	return answer, interpret("create payment "+in.PaymentID, err)
}

// createID is the id of the update that creates a payment. Equal requests are one update, however often and wherever they come in. Temporal
// shows the id to everybody who reads it, so that nobody without the key may guess the request from it.
func (c *Client) createID(in CreateInput) string {
	if c.Hash == nil {
		return UpdateCreate + "-" + in.Fingerprint
	}
	return UpdateCreate + "-" + c.Hash(WorkflowID(in.PaymentID), in.Fingerprint)
}

// tryCreate asks once. Without askedAt it starts no run where there was one before.
func (c *Client) tryCreate(ctx context.Context, in CreateInput, askedAt time.Time, updateID string) (answer Answer, err error) {
	options := c.startOptions(in.PaymentID, payment.ForCharge)
	options.TypedSearchAttributes = startAttributes(in.Creation)
	options.Priority = fairly(payment.ForCharge, in.ClientID)
	options.StaticSummary = fmt.Sprintf("%s by %s", in.Request.Amount, in.Request.Method.Type)
	options.Memo = map[string]any{memoFingerprint: in.Fingerprint}
	if askedAt.IsZero() {
		options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	}
	ctx, s := tracing.Start(ctx, tracing.Client, "UpdateWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(interpret("create payment", err))) }()
	start := c.temporal.NewWithStartWorkflowOperation(options, Payment,
		PaymentInput{PaymentID: in.PaymentID, Creation: &in.Creation, AskedAt: askedAt, Polls: c.polls})
	update, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID:     updateID,
			WorkflowID:   options.ID,
			UpdateName:   UpdateCreate,
			Args:         []any{in.Fingerprint, in.Lost != nil},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return answer, err
	}
	return answer, outcome(ctx, update, &answer)
}

// Begun says whether a client's payment was begun, written or not, and no operator has ended it; an empty clientID stands for every
// client. One that has settled since the database was asked is written, and one that could not be written waits for a person.
// Errors: Unavailable when Temporal does not answer.
func (c *Client) Begun(ctx context.Context, clientID, paymentID string) (bool, error) {
	switch run, err := c.runOf(ctx, clientID, paymentID); run.status {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		return true, err
	default:
		return false, err
	}
}

// latestRun is how the newest run of a client's payment stands. Its zero value: there is none.
type latestRun struct {
	status      enums.WorkflowExecutionStatus
	fingerprint string // of the request that started it; "" when it was started otherwise, or before this was kept
}

// another says whether the run was started by another request than that with the fingerprint.
func (r latestRun) another(fingerprint string) bool {
	return r.fingerprint != "" && r.fingerprint != fingerprint
}

// runOf is how the newest run of a client's payment stands; an empty clientID stands for every client. A run that a signal has
// started may know of no payment, and then it names no client.
func (c *Client) runOf(ctx context.Context, clientID, paymentID string) (latestRun, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	info, err := c.latest(ctx, WorkflowID(paymentID))
	if err != nil {
		return latestRun{}, interpret("look for payment "+paymentID, err)
	}
	read := func(payload *common.Payload) (text string, err error) {
		if payload != nil {
			err = converter.GetDefaultDataConverter().FromPayload(payload, &text)
		}
		return text, err
	}
	whose, err := read(info.GetSearchAttributes().GetIndexedFields()[attrClient.GetName()])
	if err != nil || whose == "" || clientID != "" && whose != clientID {
		return latestRun{}, err
	}
	fingerprint, err := read(info.GetMemo().GetFields()[memoFingerprint])
	return latestRun{status: info.GetStatus(), fingerprint: fingerprint}, err
}

// latest is the newest run of a workflow, nil when Temporal knows of none.
func (c *Client) latest(ctx context.Context, workflowID string) (*workflow.WorkflowExecutionInfo, error) {
	run, err := c.temporal.DescribeWorkflow(ctx, workflowID, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return run.RawResponse.GetWorkflowExecutionInfo(), nil
}

// Signal asks a payment's workflow to look at the provider again, and starts a run when none is open. Errors: Invalid when Temporal
// will not take it however often it is asked, as when the payment's run has had as many signals as one may.
func (c *Client) Signal(ctx context.Context, paymentID string) (err error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "SignalWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	doing := "signal payment " + paymentID
	_, err = c.temporal.SignalWithStartWorkflow(ctx, WorkflowID(paymentID), SignalLook, nil,
		c.startOptions(paymentID, payment.ForNews), Payment, PaymentInput{PaymentID: paymentID, Polls: c.polls})
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		return unsignallable(doing, err)
	}
	return interpret(doing, err)
}

// Dispute tells a payment's workflow of a dispute that the provider has told of, and starts a run when none is open. Errors: as of Signal.
func (c *Client) Dispute(ctx context.Context, paymentID string, of payment.DisputeRef) (err error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "SignalWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	doing := "tell payment " + paymentID + " of a dispute"
	_, err = c.temporal.SignalWithStartWorkflow(ctx, WorkflowID(paymentID), SignalDispute, of,
		c.startOptions(paymentID, payment.ForNews), Payment, PaymentInput{PaymentID: paymentID, Polls: c.polls})
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		return unsignallable(doing, err)
	}
	return interpret(doing, err)
}

// SignalRunning is Signal for a payment that has an open run. It is false, and nothing was signalled, when there is none.
func (c *Client) SignalRunning(ctx context.Context, paymentID string) (running bool, err error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "SignalWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	doing := "signal payment " + paymentID
	err = c.temporal.SignalWorkflow(ctx, WorkflowID(paymentID), "", SignalLook, nil)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return false, nil
	}
	if _, refused := errors.AsType[*serviceerror.InvalidArgument](err); refused {
		return true, unsignallable(doing, err)
	}
	return true, interpret(doing, err)
}

// unsignallable is the error for a run that takes no more signals.
func unsignallable(doing string, err error) error {
	return &failure.Error{Kind: failure.Invalid, Message: "the payment takes no more signals", Err: fmt.Errorf("%s: %w", doing, err)}
}

// StartEmail starts the sending of an e-mail. One that was started before is left alone, however it ended.
func (c *Client) StartEmail(ctx context.Context, in activities.EmailInput) (err error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "StartWorkflow:", "Email")
	defer func() { s.End(failure.Label(err)) }()
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    EmailWorkflowID(in.Name),
		TaskQueue:             TaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		StaticSummary:         string(in.Notice),
		Priority:              priority(payment.ForSweep),
	}, Email, in)
	return interpret("start e-mail "+in.Name, err)
}

// Redrive starts sending dead letters again; joined is true when the redrive was there already. Errors: Conflict when its ID
// was used for another redrive; Unavailable when Temporal cannot take it, in which case repeating the call is safe.
func (c *Client) Redrive(ctx context.Context, o deadletter.Order) (joined bool, err error) {
	in := RedriveInput{Order: o}
	doing := "start redrive " + in.ID
	fingerprint := in.fingerprint()
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    RedriveWorkflowID(in.ID),
		TaskQueue:             TaskQueue,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		Memo:                  map[string]any{memoFingerprint: fingerprint},
		StaticSummary:         "redrive by " + in.Actor,

		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, Redrive, in)
	if _, there := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); !there {
		return false, interpret(doing, err)
	}
	run, err := c.temporal.DescribeWorkflow(ctx, RedriveWorkflowID(in.ID), "")
	if err != nil {
		return true, interpret(doing, err)
	}
	var known string
	payload := run.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()[memoFingerprint]
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &known); err != nil || known != fingerprint {
		return true, &failure.Error{Kind: failure.Conflict, Message: "the idempotency key was used for another redrive", Err: err}
	}
	return true, nil
}

// HasRedrive says whether Temporal knows a redrive with this ID, however it ended.
func (c *Client) HasRedrive(ctx context.Context, id string) (bool, error) {
	run, err := c.latest(ctx, RedriveWorkflowID(id))
	return run != nil, interpret("look for redrive "+id, err)
}

// RedriveProgress asks a redrive how it stands; kind NotFound when there is none.
func (c *Client) RedriveProgress(ctx context.Context, id string) (RedriveProgress, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var progress RedriveProgress
	answer, err := c.temporal.QueryWorkflow(ctx, RedriveWorkflowID(id), "", QueryRedrive)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return progress, &failure.Error{Kind: failure.NotFound, Message: "there is no redrive with this id", Err: err}
	}
	if err == nil {
		err = answer.Get(&progress)
	}
	if err != nil || progress.State.Over() {
		return progress, interpret("ask redrive "+id, err)
	}
	run, err := c.latest(ctx, RedriveWorkflowID(id))
	if run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_TERMINATED { // it could not say so itself
		progress.State, progress.Note = RedriveFailed, "terminated by an operator"
	}
	return progress, interpret("ask redrive "+id, err)
}

// RedriveRuns says whether a redrive runs. One that Temporal does not know any more does not.
func (c *Client) RedriveRuns(ctx context.Context, id string) (bool, error) {
	run, err := c.latest(ctx, RedriveWorkflowID(id))
	return run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, interpret("look at redrive "+id, err)
}

// Ready says whether Temporal answers.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return interpret("check Temporal's health", err)
}

// startOptions are those of a payment's run, which is as urgent as what began it.
func (c *Client) startOptions(paymentID string, u payment.Urgency) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       WorkflowID(paymentID),
		StaticDetails:            "`onlywave explain " + paymentID + "` tells the payment's story. The pages in `docs/runbook/commands/` say what may be asked of it.",
		TaskQueue:                TaskQueue,
		Priority:                 priority(u),
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}
}

// interpret gives Temporal's failures their kind.
func interpret(doing string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", doing, err)
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok && !ofServer(app) {
		return &failure.Error{Kind: failure.Kind(app.Type()), Message: app.Message(), Err: wrapped}
	}
	if busy, ok := errors.AsType[*serviceerror.ResourceExhausted](err); ok && busy.Cause != enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW {
		return &failure.Error{Kind: failure.Limited, Message: "too many requests at once", RetryAfter: time.Second, Err: wrapped}
	}
	return &failure.Error{Kind: failure.Unavailable, Message: "the payment engine did not answer in time", RetryAfter: time.Second, Err: wrapped}
}
