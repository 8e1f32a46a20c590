package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// deadLetterStore has dead letters without Postgres, and their redrives without Temporal.
type deadLetterStore struct {
	mu      sync.Mutex
	all     []deadletter.Message // the latest first
	done    map[string][]deadletter.Redrive
	started map[string]deadletter.Order
	asked   deadletter.Filter
	audited []audit.Entry
}

func newDeadLetterStore() *deadLetterStore {
	return &deadLetterStore{done: map[string][]deadletter.Redrive{}, started: map[string]deadletter.Order{}}
}

// add inserts a dead letter before the others.
func (l *deadLetterStore) add(name string, change func(*deadletter.Message)) string {
	message := deadletter.Message{
		ID: deadletter.NewID(name, "q"), Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid,
		Fingerprint: "0f7c1f4e4d1c4f0a", Error: "the database refused the statement", PaymentID: payment.NewID("shop", "order-1042"),
		Original: deadletter.Original{ID: name, Queue: "onlywave.webhooks.process", Exchange: "onlywave.webhooks", Key: "mercadopago.payment",
			Body: []byte(`{"payer": "ana@example.com"}`)},
		Trail: []deadletter.Attempt{{Attempt: 1, At: born, Error: "no"}}, State: deadletter.Open, Deaths: 1,
		DiedAt: born.Add(time.Duration(len(l.all)) * time.Second), ReceivedAt: born.Add(time.Hour),
	}
	if change != nil {
		change(&message)
	}
	l.all = slices.Insert(l.all, 0, message)
	return message.ID
}

func (l *deadLetterStore) DeadLetter(_ context.Context, id string) (deadletter.Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, message := range l.all {
		if message.ID == id {
			return message, nil
		}
	}
	return deadletter.Message{}, &failure.Error{Kind: failure.NotFound, Message: "not found"}
}

func (l *deadLetterStore) DeadLetters(_ context.Context, f deadletter.Filter) ([]deadletter.Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = f
	var found []deadletter.Message
	for _, message := range l.all {
		if (f.State == "" || f.State == message.State) && (f.After.ID == "" || message.DiedAt.Before(f.After.CreatedAt)) {
			found = append(found, message)
		}
	}
	return found[:min(f.Limit, len(found))], nil
}

func (l *deadLetterStore) DiscardDeadLetter(_ context.Context, by audit.Actor, id, reason string) (deadletter.Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.all, func(message deadletter.Message) bool { return message.ID == id })
	message := &l.all[i]
	if message.State == deadletter.Open {
		message.State, message.ClosedAt, message.ClosedBy, message.Reason = deadletter.Discarded, born.Add(time.Hour), by.Name, reason
	}
	if message.State != deadletter.Discarded || message.Reason != reason {
		return *message, &failure.Error{Kind: failure.Conflict, Message: "the dead letter is already " + string(message.State)}
	}
	return *message, nil
}

func (l *deadLetterStore) Audit(_ context.Context, e audit.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.audited = append(l.audited, e)
	return nil
}

func (l *deadLetterStore) Redrives(_ context.Context, id string) ([]deadletter.Redrive, error) {
	return l.done[id], nil
}

func (l *deadLetterStore) Redrive(_ context.Context, in deadletter.Order) (joined bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, joined := l.started[in.ID]
	if joined && (known.Reason != in.Reason || known.Filter.Cause != in.Filter.Cause || !slices.Equal(known.Filter.IDs, in.Filter.IDs)) {
		return true, &failure.Error{Kind: failure.Conflict, Message: "another"}
	}
	l.started[in.ID] = in
	return joined, nil
}

func (l *deadLetterStore) HasRedrive(_ context.Context, id string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.started[id]
	return ok, nil
}

func (l *deadLetterStore) RedriveProgress(_ context.Context, id string) (workflows.RedriveProgress, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.started[id]; !ok {
		return workflows.RedriveProgress{}, errNoRedrive
	}
	return workflows.RedriveProgress{
		State: workflows.RedriveStopped, Note: "1 of 5 canaries failed or died again", Matching: 12,
		Causes:   []deadletter.CauseCount{{Cause: deadletter.CauseInvalid, Count: 12}},
		Standing: deadletter.Progress{Taken: 5, Sent: 5, DiedAgain: 1, Left: 7},
	}, nil
}
