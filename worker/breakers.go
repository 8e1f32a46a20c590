package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const announceTimeout = 5 * time.Second

// AnnounceBreaker makes an event of each change of a circuit breaker: breaker.open, breaker.half-open or breaker.closed on
// onlywave.events. It is news and no record: one that the broker does not take is logged and lost.
func AnnounceBreaker(publisher *rabbitmq.Publisher, log *slog.Logger) func(breaker.Change) {
	return func(c breaker.Change) {
		body, err := json.Marshal(c)
		if err != nil {
			log.Error("breaker event", "error", err)
			return
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), announceTimeout)
			defer cancel()
			err := publisher.Publish(ctx, rabbitmq.ExchangeEvents, rabbitmq.Message{
				ID: uuid.NewString(), Key: "breaker." + string(c.To), ContentType: "application/json", Body: body, Time: c.At, Optional: true,
			})
			if err != nil {
				log.Warn("breaker event", "breaker", c.Breaker, "to", c.To, "error", err)
			}
		}()
	}
}
