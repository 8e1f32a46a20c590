// Package activities holds the steps of a payment's life. Its rule: a step may run twice, at any
// moment and on any machine, and the second run changes nothing; each step says how. Only these steps
// write payments to the record and call the provider.
package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Config is what the steps work with.
type Config struct {
	Record   *postgres.Store
	Provider *mercadopago.Client
	Breakers *breaker.Fleet // one of them guards the mail server
	// Publisher is for our own queues. Events is for onlywave.events, to which others bind theirs: what those do to its connection
	// must not keep ours waiting.
	Publisher *rabbitmq.Publisher
	Events    *rabbitmq.Publisher
	// Told is given what has happened to a payment, of which others are to be told: by the relay, which is lent to the steps. It
	// returns at once. Nil: the record's outbox keeps it for another process.
	Told  func(ctx context.Context, e payment.Event, sinks []postgres.Sink, asked time.Time)
	Cache *cache.Payments // gets a copy of each state that is written; nil: none is kept
	// Notify wakes a payment's workflow to look again; only the workflows' front door may, so it is lent to the steps.
	Notify func(ctx context.Context, paymentID string) error
	// Running says which payments have a workflow that runs; lent, too.
	Running func(ctx context.Context, paymentIDs []string) (map[string]bool, error)
	// Redriving says whether a redrive's workflow runs; lent, too.
	Redriving func(ctx context.Context, redriveID string) (bool, error)
	Mail      Mail
	// SearchUntil is until when each charge is searched for before it is sent, since the database was restored and may have lost
	// payments. Zero: it was not.
	SearchUntil time.Time
}

// Activities is the steps: every exported method is one.
type Activities struct {
	record    *postgres.Store
	provider  *mercadopago.Client
	charges   *tries
	looks     *tries
	publisher *rabbitmq.Publisher
	events    *rabbitmq.Publisher
	told      func(context.Context, payment.Event, []postgres.Sink, time.Time)
	cache     *cache.Payments
	notify    func(context.Context, string) error
	running   func(context.Context, []string) (map[string]bool, error)
	redriving func(context.Context, string) (bool, error)
	mail      *mail

	searchUntil time.Time
}

// New makes the steps.
func New(c Config) *Activities {
	return &Activities{
		record: c.Record, provider: c.Provider, publisher: c.Publisher, events: c.Events, told: c.Told, cache: c.Cache, notify: c.Notify,
		charges: newTries(chargeTime), looks: newTries(lookTime),
		running: c.Running, redriving: c.Redriving, mail: newMail(c.Mail, c.Breakers), searchUntil: c.SearchUntil,
	}
}
