// Package events is every event that goes out on the exchange onlywave.events, for other services: its routing key, when it happens,
// which code publishes it, and its body.
//
// Its one rule: nothing else is published there. docs/events.md lists the same keys for those who subscribe.
package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Type is one type of event. Its routing key is the prefix, a dot and one of the values.
type Type struct {
	Prefix    string
	Name      string // of what the values are
	Values    []string
	When      string
	Publisher string // the code that publishes it
	Body      string // the code that writes its body
}

// Key is the routing key as the documents write it, such as payment.<status>.
func (t Type) Key() string { return t.Prefix + ".<" + t.Name + ">" }

// Types lists every type of event.
func Types() []Type {
	return []Type{
		{
			Prefix: "payment", Name: "status", Values: texts(payment.Statuses()),
			When:      "a payment came to a status, or its refunded sum grew",
			Publisher: "internal/relay/subscribers.go, from the outbox", Body: "payment.go",
		},
		{
			Prefix: "dispute", Name: "change", Values: texts(payment.DisputeChanges()),
			When:      "a dispute of a payment was opened, changed or ended, its deadline is near, or documents about it have arrived",
			Publisher: "internal/relay/subscribers.go, from the outbox", Body: "payment.go",
		},
		{
			Prefix: "checkout", Name: "step", Values: texts(payment.CheckoutChanges()),
			When:      "a payment has paid a checkout, or was the second one to pay it, or the checkout has expired unpaid",
			Publisher: "internal/relay, from the outbox and from the expired checkouts", Body: "payment.go, and checkout.go of an expired one",
		},
		{
			Prefix: "reconciliation", Name: "kind", Values: texts(reported()),
			When:      "Mercado Pago and the database disagree about a payment, once for each finding",
			Publisher: "activities/alert.go, for the schedule alert-findings", Body: "finding.go",
		},
		{
			Prefix: "breaker", Name: "state", Values: texts(breaker.States()),
			When:      "a circuit breaker changed",
			Publisher: "every process that calls, and the one through which an operator forced it", Body: "breaker.go",
		},
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// message is an event for whoever has bound a queue for it; there may be nobody.
func message(id, key string, at time.Time, body any) (rabbitmq.Message, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return rabbitmq.Message{}, fmt.Errorf("event %s: %w", key, err)
	}
	return rabbitmq.Message{ID: id, Key: key, ContentType: "application/json", Body: text, Time: at, Optional: true}, nil
}
