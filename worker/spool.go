package worker

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const (
	spoolEvery   = time.Second // how often the spool is looked into
	spoolBatch   = 100
	spoolPublish = 2 * time.Second // how long the broker may take for one
)

// runSpool brings webhooks that the broker could not take back to it, oldest first.
func (w *Worker) runSpool(ctx context.Context) error {
	tick := time.NewTicker(spoolEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.emptySpool(ctx)
		}
	}
}

// emptySpool goes on until the spool is empty or the broker or the record is away again.
func (w *Worker) emptySpool(ctx context.Context) {
	for w.Publisher.Ready() == nil {
		n, err := w.Record.Unspool(ctx, spoolBatch, w.unspool)
		if n > 0 {
			w.Log.Info("spool", "published", n)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("spool", "error", err)
		}
		if n < spoolBatch || err != nil {
			return
		}
	}
}

func (w *Worker) unspool(ctx context.Context, s postgres.Spooled) error {
	ctx, cancel := context.WithTimeout(ctx, spoolPublish)
	defer cancel()
	return w.Publisher.Publish(ctx, rabbitmq.ExchangeWebhooks, rabbitmq.Message{
		ID: s.ID, Key: s.RoutingKey, ContentType: "application/json", Body: s.Body, Time: s.ReceivedAt,
	})
}
