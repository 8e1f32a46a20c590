package activities

import (
	"context"
	"encoding/json"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Headers of a workflow's dead letter, besides those that every dead letter has.
const (
	HeaderPaymentID  = "payment-id"
	HeaderWorkflowID = "workflow-id"
	HeaderRunID      = "run-id"
)

// DeadLetterInput says which run cannot go on, and all that is known of why.
type DeadLetterInput struct {
	PaymentID  string               `json:"payment_id"`
	WorkflowID string               `json:"workflow_id"`
	RunID      string               `json:"run_id"`
	Cause      deadletter.Cause     `json:"cause"`
	Error      string               `json:"error"` // for operators; no personal data
	At         time.Time            `json:"at"`
	Trail      []deadletter.Attempt `json:"trail,omitempty"`
}

// DeadLetter leaves a payment to an operator, by way of onlywave.dead-letters, and alerts operators. Run and cause make the
// message's ID: a second run makes a twin, which is kept once. Operators get one alert an hour for each cause.
func (a *Activities) DeadLetter(ctx context.Context, in DeadLetterInput) error {
	trail, err := json.Marshal(in.Trail)
	if err != nil {
		return activityError(&failure.Error{Kind: failure.Invalid, Message: "the trail cannot be written", Err: err})
	}
	err = a.publisher.Publish(ctx, rabbitmq.ExchangeDeadLetters, rabbitmq.Message{
		ID: deadletter.RunMessageID(in.WorkflowID, in.RunID, in.Cause), Key: string(deadletter.FromWorkflow) + "." + string(in.Cause),
		Headers: map[string]any{
			rabbitmq.HeaderCause: string(in.Cause), rabbitmq.HeaderError: in.Error, rabbitmq.HeaderTime: in.At.UTC().Format(time.RFC3339),
			HeaderPaymentID: in.PaymentID, HeaderWorkflowID: in.WorkflowID, HeaderRunID: in.RunID, rabbitmq.HeaderTrail: string(trail),
		},
		Time: in.At,
	})
	if err != nil {
		return activityError(&failure.Error{Kind: failure.Unavailable, Message: "the broker did not take the dead letter", Err: err})
	}
	if err := a.alertByEmail(ctx, in); err != nil {
		return activityError(err)
	}
	return nil
}
