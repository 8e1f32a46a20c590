// Package activities holds the steps of a payment's life. Its rule: a step may run twice, at any
// moment and on any machine, and the second run changes nothing; each step says how. Only these steps
// write payments to the record and call the provider.
package activities

import (
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Activities is what the steps work with. Every exported method is a step.
type Activities struct {
	record   *postgres.Store
	provider *provider
	events   *rabbitmq.Publisher
}

// New makes the steps. breakers stand between them and the provider, one for each kind of call.
func New(record *postgres.Store, client *mercadopago.Client, breakers *breaker.Fleet, events *rabbitmq.Publisher) *Activities {
	return &Activities{record: record, provider: guard(client, breakers), events: events}
}
