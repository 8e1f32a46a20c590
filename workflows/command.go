package workflows

import (
	"context"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// commandWait is how long an operator waits for a command, which may ask the provider meanwhile.
const commandWait = 20 * time.Second

// Command has an order carried out by the payment's workflow, and starts a run when none is open. Errors: NotFound when there is no such
// payment; Conflict when the payment's state or the provider's answer forbids it; Unavailable when the provider or Temporal does not
// answer: then it may be ordered again.
func (c *Client) Command(ctx context.Context, o command.Order) (err error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	ctx, s := tracing.Start(ctx, tracing.Client, "UpdateWithStartWorkflow:", "Payment")
	defer func() { s.End(failure.Label(err)) }()
	err = c.untilHeard(ctx, WorkflowID(o.PaymentID), string(o.Command)+"-"+uuid.NewString(), func(updateID string) error {
		start := c.temporal.NewWithStartWorkflowOperation(c.startOptions(o.PaymentID, payment.ForOperator), Payment, PaymentInput{PaymentID: o.PaymentID, Polls: c.polls})
		update, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: start,
			UpdateOptions: client.UpdateWorkflowOptions{
				UpdateID: updateID, WorkflowID: WorkflowID(o.PaymentID), UpdateName: string(o.Command), Args: []any{o},
				WaitForStage: client.WorkflowUpdateStageCompleted,
			},
		})
		if err != nil {
			return err
		}
		return update.Get(ctx, nil)
	})
	return interpret(string(o.Command)+" payment "+o.PaymentID, err)
}
