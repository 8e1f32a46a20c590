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

// Publish tells whoever listens on onlywave.events. The event's ID is the message's: a second run
// makes a twin with the same ID, which listeners tell by it.
func (a *Activities) Publish(ctx context.Context, e payment.Event) error {
	body, err := json.Marshal(published{ID: e.ID(), Type: e.Type(), Event: e})
	if err != nil {
		return verdict(err)
	}
	err = a.events.Publish(ctx, rabbitmq.ExchangeEvents, rabbitmq.Message{
		ID: e.ID(), Key: e.Type(), ContentType: "application/json", Body: body, Time: e.At, Optional: true,
	})
	if err != nil {
		return verdict(&payment.Error{Kind: payment.Unavailable, Message: "the broker did not take the event", Err: err})
	}
	return nil
}
