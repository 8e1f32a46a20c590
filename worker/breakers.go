package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const announceTimeout = 5 * time.Second

// BreakerEvents makes an event of each change of a circuit breaker: breaker.open, breaker.half-open or breaker.closed on
// onlywave.events. It is news and no record: one that the broker does not take is logged and lost.
type BreakerEvents struct {
	publisher *rabbitmq.Publisher
	log       *slog.Logger
	sending   sync.WaitGroup
}

// NewBreakerEvents publishes with the publisher.
func NewBreakerEvents(publisher *rabbitmq.Publisher, log *slog.Logger) *BreakerEvents {
	return &BreakerEvents{publisher: publisher, log: log}
}

// Announce publishes one change, and does not wait for it.
func (e *BreakerEvents) Announce(c breaker.Change) {
	body, err := json.Marshal(c)
	if err != nil {
		e.log.Error("breaker event", "error", err)
		return
	}
	e.sending.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), announceTimeout)
		defer cancel()
		err := e.publisher.Publish(ctx, rabbitmq.ExchangeEvents, rabbitmq.Message{
			ID: uuid.NewString(), Key: "breaker." + string(c.To), ContentType: "application/json", Body: body, Time: c.At, Optional: true,
		})
		if err != nil {
			e.log.Warn("breaker event", "breaker", c.Breaker, "to", c.To, "error", err)
		}
	})
}

// Wait returns when every event that was announced is published or lost, which takes seconds at most.
func (e *BreakerEvents) Wait() { e.sending.Wait() }
