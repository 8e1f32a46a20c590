package workflows

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// commandWait is how long an operator waits for a command: for an attempt under way, and for the provider's answer after it.
const commandWait = 35 * time.Second

// Command has an order carried out by the payment's workflow, and starts a run when none is open. Errors: NotFound when there is no such
// payment; Conflict when the payment's state or the provider's answer forbids it; command.ErrRunning when the run has accepted the order and
// the wait is over; Unavailable when the provider or Temporal does not answer: then it may be ordered again.
func (c *Client) Command(ctx context.Context, o command.Order) (err error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	ctx, s := tracing.Start(ctx, tracing.Client, "UpdateWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	accepted := false
	err = c.untilHeard(ctx, WorkflowID(o.PaymentID), string(o.Command)+"-"+cmp.Or(o.ID, uuid.NewString()), func(updateID string) error {
		accepted = false
		start := c.temporal.NewWithStartWorkflowOperation(c.startOptions(o.PaymentID, payment.ForOperator), Payment, PaymentInput{PaymentID: o.PaymentID, Polls: c.polls})
		update, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: start,
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateID: updateID, WorkflowID: WorkflowID(o.PaymentID), UpdateName: string(o.Command), Args: []any{o},
				WaitForStage: client.WorkflowUpdateStageAccepted,
			},
		})
		if err != nil {
			return err
		}
		accepted = true
		return update.Get(ctx, nil)
	})
	if _, answered := errors.AsType[*temporal.ApplicationError](err); err != nil && !answered && ctx.Err() != nil {
		if accepted {
			return command.ErrRunning
		}
		c.signalAfter(ctx, o.PaymentID)
	}
	return interpret(string(o.Command)+" payment "+o.PaymentID, err)
}

// signalAfter signals a payment whose order was not heard in time. Temporal forgets such an order when the workflow task that carries it
// out is lost, and what the task has stored in the database stays, such as a refund. The signal is kept, and has the run look there. If it
// is not taken either, the sweep of quiet payments finds the refund.
func (c *Client) signalAfter(ctx context.Context, paymentID string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shortestWait)
	defer cancel()
	_ = c.Signal(ctx, paymentID)
}

// AttemptNow makes the activities of a run that wait for their next attempt due now, by Temporal's reset of an activity, which starts no
// attempt beside one that runs, and keeps paused ones paused.
func (c *Client) AttemptNow(ctx context.Context, namespace, workflowID, runID string) (n activities.Attempts, err error) {
	run, err := c.temporal.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return n, interpret("look at the activities of "+workflowID, err)
	}
	for _, a := range run.RawResponse.GetPendingActivities() {
		switch {
		case a.GetPaused():
			n.Paused++
			continue
		case a.GetState() != enums.PENDING_ACTIVITY_STATE_SCHEDULED:
			n.Running++
			continue
		}
		if err := c.resetActivity(ctx, namespace, workflowID, runID, a); err != nil {
			return n, interpret("make an activity of "+workflowID+" due", err)
		}
		n.Due++
	}
	return n, nil
}

func (c *Client) resetActivity(ctx context.Context, namespace, workflowID, runID string, a *workflow.PendingActivityInfo) error {
	_, err := c.temporal.WorkflowService().ResetActivity(ctx, &workflowservice.ResetActivityRequest{
		Namespace: namespace, Execution: &common.WorkflowExecution{WorkflowId: workflowID, RunId: runID}, KeepPaused: true,
		Activity: &workflowservice.ResetActivityRequest_Id{Id: a.GetActivityId()},
	})
	if _, ended := errors.AsType[*serviceerror.NotFound](err); ended {
		return nil
	}
	return err
}
