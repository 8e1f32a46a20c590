package events

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Breaker is the event breaker.<state>. Its body is the change.
func Breaker(c breaker.Change) (rabbitmq.Message, error) {
	return message(uuid.NewString(), "breaker."+string(c.To), c.At, c)
}

const breakerTimeout = 5 * time.Second

// Breakers publishes the changes of circuit breakers. An event that the broker does not take is logged and lost.
type Breakers struct {
	publisher *rabbitmq.Publisher
	log       *slog.Logger
	sending   sync.WaitGroup
}

// NewBreakers publishes with the publisher.
func NewBreakers(publisher *rabbitmq.Publisher, log *slog.Logger) *Breakers {
	return &Breakers{publisher: publisher, log: log}
}

// Publish publishes one change, and does not wait for it.
func (b *Breakers) Publish(c breaker.Change) {
	b.sending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), breakerTimeout)
		defer cancel()
		m, err := Breaker(c)
		if err == nil {
			err = b.publisher.Publish(ctx, rabbitmq.ExchangeEvents, m)
		}
		if err != nil {
			b.log.Warn("breaker event", "breaker", c.Breaker, "to", c.To, "error", err)
		}
	})
}

// Wait returns when every event is published or lost, which takes seconds at most.
func (b *Breakers) Wait() { b.sending.Wait() }
