package activities

import (
	"context"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

// PublishInput is what happened to one payment, in order.
type PublishInput struct {
	Events []payment.Event `json:"events"`
	Email  bool            `json:"email,omitempty"` // the buyer gets an e-mail as well
}

// Publish is called by runs from before the outbox, which kept the events that were still to be published. It puts these events
// into the outbox, unless they are there or were published already: a second run changes nothing.
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
