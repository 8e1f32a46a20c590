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
	spoolAtOnce  = 32              // signalled side by side while the broker is unavailable
	spoolPublish = 2 * time.Second // how long the broker may take for one
	// spoolTimeout is for one batch. Half of it is for publishing, so that what a slow broker has taken is also forgotten.
	spoolTimeout = 30 * time.Second
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

// emptySpool goes on until the spool is empty or the broker or the database is unavailable again. While the broker is unavailable
// the payments are signalled directly.
func (w *Worker) emptySpool(ctx context.Context) {
	for w.Publisher.Ready() != nil {
		if n, err := w.signalSpooled(ctx); n < spoolAtOnce || err != nil {
			break
		}
	}
	for w.Publisher.Connected() == nil { // a queue that confirms nothing is tried again: only a publish shows that it confirms again
		n, err := w.emptyBatch(ctx)
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

// signalSpooled signals the payments of webhooks that wait for the broker: a buyer who has paid does not wait for it. Once the
// broker is available again the webhooks go through their queues all the same, which archive them and decide about what is at fault.
func (w *Worker) signalSpooled(ctx context.Context) (signalled int, err error) {
	ctx, cancel := context.WithTimeout(ctx, spoolTimeout)
	defer cancel()
	signalled, err = w.Database.PublishSpooled(ctx, rabbitmq.KeyPayment, spoolAtOnce, w.signalNow)
	if signalled > 0 {
		w.Log.Info("spool", "signalled", signalled)
	}
	if err != nil && ctx.Err() == nil {
		w.Log.Warn("spool", "error", err)
	}
	return signalled, err
}

// signalNow leaves to the queue what the message itself is at fault for.
func (w *Worker) signalNow(ctx context.Context, s postgres.Spooled) error {
	err := w.webhook(ctx, rabbitmq.Delivery{Message: rabbitmq.Message{ID: s.ID, Key: s.RoutingKey, Body: s.Body}})
	if rabbitmq.Outcome(err) == "waiting" { // Temporal or the database is unavailable: it is tried again
		return err
	}
	return nil
}

func (w *Worker) emptyBatch(ctx context.Context) (published int, err error) {
	ctx, cancel := context.WithTimeout(ctx, spoolTimeout)
	defer cancel()
	publishing, stop := context.WithTimeout(ctx, spoolTimeout/2)
	defer stop()
	return w.Database.Unspool(ctx, spoolBatch, func(_ context.Context, s postgres.Spooled) error { return w.unspool(publishing, s) })
}

func (w *Worker) unspool(ctx context.Context, s postgres.Spooled) error {
	ctx, cancel := context.WithTimeout(ctx, spoolPublish)
	defer cancel()
	return w.Publisher.Publish(ctx, rabbitmq.ExchangeWebhooks, rabbitmq.Message{
		ID: s.ID, Key: s.RoutingKey, ContentType: "application/json", Body: s.Body, Time: s.ReceivedAt,
	})
}
