package worker

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// A batch of notifications is one insert.
const (
	archiveBatch = 200
	archiveWait  = 200 * time.Millisecond
)

func (w *Worker) runArchive(ctx context.Context) error {
	return w.consumer(rabbitmq.QueueArchive, archiveBatch).
		RunBatches(ctx, archiveBatch, archiveWait, w.Metrics.batch(rabbitmq.QueueArchive, w.archive))
}

// archive keeps every notification as it came, also those about which we know nothing to do. What the
// database refuses is the message's fault, for whatever reason: the consumer finds out which of a batch it is.
func (w *Worker) archive(ctx context.Context, batch []rabbitmq.Delivery) error {
	kept := make([]postgres.Notification, 0, len(batch))
	for _, d := range batch {
		n, err := mercadopago.DecodeNotification(d.Body)
		if err != nil {
			return rabbitmq.DeadLetter(string(deadletter.CauseUnreadable), err)
		}
		kept = append(kept, postgres.Notification{
			ID: n.ID, Topic: n.Topic, Action: n.Action, ResourceID: n.ResourceID, PaymentID: n.PaymentID,
			Whole: d.Body, ReceivedAt: n.ReceivedAt,
		})
	}
	return decision(w.Database.Archive(ctx, kept))
}
