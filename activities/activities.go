// Package activities holds the Temporal activities: what workflows do to Postgres, Mercado Pago, RabbitMQ and the mail server. Its
// rule: an activity may run twice, at any moment and on any machine, and the second run changes nothing; each activity says how. Only
// activities write payments to the database and charge, look at or close them at the provider.
package activities

import (
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Config has what the activities use.
type Config struct {
	Database *postgres.Store
	Provider *mercadopago.Client
	Breakers *breaker.Fleet // one of them guards the mail server
	// Publisher is for our own queues. Events is for onlywave.events, to which others bind theirs: what those do to its connection
	// must not keep ours waiting.
	Publisher *rabbitmq.Publisher
	Events    *rabbitmq.Publisher
	Relay     Relay           // publishes what happens to payments; nil: the outbox keeps it for another process
	Cache     *cache.Payments // gets a copy of each state that is written; nil: none is kept
	Workflows Workflows
	Mail      Mail
	// SearchUntil is until when each charge is searched for before it is sent, since the database was restored and may have lost
	// payments. Zero: it was not.
	SearchUntil time.Time
}

// Activities has one exported method for each activity, and no others.
type Activities struct {
	database  *postgres.Store
	provider  *mercadopago.Client
	charges   *tries
	looks     *tries
	publisher *rabbitmq.Publisher
	events    *rabbitmq.Publisher
	relay     Relay
	cache     *cache.Payments
	workflows Workflows
	mail      *mail

	searchUntil time.Time
}

// New makes the activities.
func New(c Config) *Activities {
	return &Activities{
		database: c.Database, provider: c.Provider, publisher: c.Publisher, events: c.Events, relay: c.Relay, cache: c.Cache, workflows: c.Workflows,
		charges: newTries(chargeTime), looks: newTries(lookTime),
		mail: newMail(c.Mail, c.Breakers), searchUntil: c.SearchUntil,
	}
}
