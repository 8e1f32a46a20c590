package activities

import (
	"context"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// PublishInput is what happened to one payment, in order.
type PublishInput struct {
	Events []payment.Event `json:"events"`
	Email  bool            `json:"email,omitempty"` // the buyer is told as well
}

// Publish is asked for by runs from before the outbox, which kept to themselves of what others had still to be told. It puts that
// into the outbox, unless it is there or was told already: a second run finds it so.
func (a *Activities) Publish(ctx context.Context, in PublishInput) error {
	if len(in.Events) == 0 {
		return nil
	}
	sinks := []postgres.Sink{postgres.ToSubscribers}
	if in.Email {
		sinks = append(sinks, postgres.ToBuyer)
	}
	first, last := in.Events[0], in.Events[len(in.Events)-1]
	return activityError(a.database.Enqueue(ctx, first.PaymentID, first.Seq, last.Seq, sinks))
}
