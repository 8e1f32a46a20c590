package worker

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// A batch of dead letters is one insert.
const (
	deadLetterBatch = 100
	deadLetterWait  = 200 * time.Millisecond
)

func (w *Worker) runDeadLetters(ctx context.Context) error {
	return w.consumer(rabbitmq.QueueDeadLetters, deadLetterBatch).
		RunBatches(ctx, deadLetterBatch, deadLetterWait, w.Metrics.batch(rabbitmq.QueueDeadLetters, w.keepDeadLetters))
}

// keepDeadLetters keeps whatever comes: there is nowhere further to go, so no dead letter is ever refused. Where the database will
// not take a batch, each is kept by itself, and one that it will not take either is kept without what it says of itself.
func (w *Worker) keepDeadLetters(ctx context.Context, batch []rabbitmq.Delivery) error {
	now := time.Now()
	messages := make([]deadletter.Message, len(batch))
	for i, d := range batch {
		messages[i] = deadLetterOf(d, now)
	}
	err := w.keep(ctx, messages)
	if err == nil || transient(err) {
		return err
	}
	for _, l := range messages {
		err := w.keep(ctx, []deadletter.Message{l})
		if err != nil && !transient(err) {
			w.Log.Error("dead letter kept without its headers", "message_id", l.Original.ID, "error", err)
			err = w.keep(ctx, []deadletter.Message{bare(l)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// transient says whether a failure is of a dependency, and will be over.
func transient(err error) bool {
	kind := failure.KindOf(err)
	return kind == failure.Unavailable || kind == failure.Limited
}

func (w *Worker) keep(ctx context.Context, messages []deadletter.Message) error {
	news, err := w.Database.KeepDeadLetters(ctx, messages)
	if err != nil {
		return err
	}
	for _, l := range messages {
		i := slices.Index(news, l.ID)
		if i < 0 {
			continue // a twin
		}
		news = slices.Delete(news, i, i+1)
		w.Log.Warn("dead letter", "dead_letter_id", l.ID, "source", l.Source, "cause", l.Cause, "fingerprint", l.Fingerprint,
			"payment_id", l.PaymentID, "workflow_id", l.WorkflowID, "message_id", l.Original.ID)
	}
	return nil
}

// deadLetterOf reads a dead letter, as far as it can be read.
func deadLetterOf(d rabbitmq.Delivery, now time.Time) deadletter.Message {
	death := d.Death()
	l := deadletter.Message{
		ID:     deadletter.NewID(d.ID, death.Queue),
		Source: deadletter.FromWebhook, Cause: causeOf(death.Cause), Error: payment.Clean(death.Error),
		WorkflowID: header(d, activities.HeaderWorkflowID), RunID: header(d, activities.HeaderRunID),
		Original: deadletter.Original{
			ID: payment.Clean(d.ID), Queue: payment.Clean(death.Queue), Exchange: payment.Clean(death.Exchange), Key: payment.Clean(death.Key),
			ContentType: payment.Clean(d.ContentType), Body: d.Body, SentAt: d.Time,
		},
		Trail: trailOf(death.Trail), State: deadletter.Open, Deaths: death.Deaths, DiedAt: death.At,
	}
	if death.Source == string(deadletter.FromWorkflow) {
		l.Source = deadletter.FromWorkflow
	}
	if l.DiedAt.IsZero() {
		l.DiedAt = now.UTC().Truncate(time.Microsecond)
	}
	l.PaymentID = paymentOfDeadLetter(d)
	l.Fingerprint = deadletter.NewFingerprint(l.Source, l.Cause, l.Error)
	return l
}

// causeOf takes a cause that is not in the list as it is, when it looks like one: a newer release may know it.
func causeOf(word string) deadletter.Cause {
	const longest = 40
	if word == "" || len(word) > longest || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return deadletter.CauseUnlabelled
	}
	return deadletter.ParseCause(word)
}

func paymentOfDeadLetter(d rabbitmq.Delivery) string {
	n, _ := mercadopago.DecodeNotification(d.Body) // which may be anything
	id := cmp.Or(header(d, activities.HeaderPaymentID), n.PaymentID)
	if !payment.ValidID(id) {
		return ""
	}
	return id
}

func trailOf(attempts []rabbitmq.Attempt) []deadletter.Attempt {
	var trail []deadletter.Attempt
	for _, a := range attempts {
		trail = append(trail, deadletter.Attempt{Attempt: a.Number, At: a.At, Error: payment.Clean(a.Error)})
	}
	return trail
}

// bare is a dead letter without all that may be wrong with it: the message itself, for an operator to look at.
func bare(l deadletter.Message) deadletter.Message {
	return deadletter.Message{
		ID: l.ID, Source: l.Source, Cause: deadletter.CauseUnlabelled, Error: "the database refused the headers of this dead letter",
		Fingerprint: deadletter.NewFingerprint(l.Source, deadletter.CauseUnlabelled, ""),
		Original:    deadletter.Original{ID: l.Original.ID, Body: l.Original.Body}, Deaths: 1, DiedAt: l.DiedAt,
	}
}

func header(d rabbitmq.Delivery, name string) string {
	text, _ := d.Headers[name].(string)
	return payment.Clean(text)
}
