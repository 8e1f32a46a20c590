package activities

import (
	"context"
	"encoding/json"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// published is an event as other services read it.
type published struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	payment.Event
}

// PublishInput is what happened to one payment, in order.
type PublishInput struct {
	Events []payment.Event `json:"events"`
	Email  bool            `json:"email,omitempty"` // the buyer is told as well
}

// Publish tells whoever listens on onlywave.events, has the buyer told who is to be, and remembers that in the record. An
// event's ID is its message's: a second run makes twins with the same IDs, which listeners tell by them. An e-mail's name is
// its workflow's ID, so that it is begun once. E-mails come last: they hold up no event.
func (a *Activities) Publish(ctx context.Context, in PublishInput) error {
	for _, e := range in.Events {
		if err := a.publish(ctx, e); err != nil {
			return verdict(err)
		}
	}
	if len(in.Events) == 0 {
		return nil
	}
	if in.Email {
		if err := a.mail.tell(ctx, in.Events); err != nil {
			return verdict(err)
		}
	}
	last := in.Events[len(in.Events)-1]
	if err := a.record.Published(ctx, last.PaymentID, last.Seq); err != nil {
		return verdict(err)
	}
	return nil
}

func (a *Activities) publish(ctx context.Context, e payment.Event) error {
	body, err := json.Marshal(published{ID: e.ID(), Type: e.Type(), Event: e})
	if err != nil {
		return err
	}
	err = a.events.Publish(ctx, rabbitmq.ExchangeEvents, rabbitmq.Message{
		ID: e.ID(), Key: e.Type(), ContentType: "application/json", Body: body, Time: e.At, Optional: true,
	})
	if err != nil {
		return &payment.Error{Kind: payment.Unavailable, Message: "the broker did not take the event", Err: err}
	}
	return nil
}
