package api

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// record is what is read from Postgres, and what is written: the spool, and the end of a finding.
type record interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound when there is none
	// Payments may come from a replica: age says how old the list is at most.
	Payments(ctx context.Context, f payment.Filter) (list []payment.Payment, age time.Duration, err error)
	Events(ctx context.Context, paymentID string, afterSeq, limit int) ([]payment.Event, error)
	APIKey(ctx context.Context, id string) (access.APIKey, error) // kind NotFound when there is none
	Spool(ctx context.Context, id, routingKey string, body []byte, at time.Time) error
	books
}

// recordTimeout is how long the record may take for one answer.
const recordTimeout = 3 * time.Second

// timely is the record, dead letters included, that answers in time or not at all: a Postgres that hangs is one that is away.
type timely struct {
	record  record
	letters deadLetters
}

// inTime asks once.
func inTime[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return ask(ctx)
}

func (t timely) Payment(ctx context.Context, id string) (payment.Payment, error) {
	return inTime(ctx, func(ctx context.Context) (payment.Payment, error) { return t.record.Payment(ctx, id) })
}

func (t timely) Payments(ctx context.Context, f payment.Filter) (list []payment.Payment, age time.Duration, err error) {
	list, err = inTime(ctx, func(ctx context.Context) (found []payment.Payment, err error) {
		found, age, err = t.record.Payments(ctx, f)
		return found, err
	})
	return list, age, err
}

func (t timely) Events(ctx context.Context, paymentID string, afterSeq, limit int) ([]payment.Event, error) {
	return inTime(ctx, func(ctx context.Context) ([]payment.Event, error) {
		return t.record.Events(ctx, paymentID, afterSeq, limit)
	})
}

func (t timely) APIKey(ctx context.Context, id string) (access.APIKey, error) {
	return inTime(ctx, func(ctx context.Context) (access.APIKey, error) { return t.record.APIKey(ctx, id) })
}

func (t timely) Spool(ctx context.Context, id, routingKey string, body []byte, at time.Time) error {
	_, err := inTime(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, t.record.Spool(ctx, id, routingKey, body, at)
	})
	return err
}

func (t timely) Reconciliations(ctx context.Context, limit int) ([]payment.Reconciliation, error) {
	return inTime(ctx, func(ctx context.Context) ([]payment.Reconciliation, error) {
		return t.record.Reconciliations(ctx, limit)
	})
}

func (t timely) FindingTotals(ctx context.Context) ([]payment.FindingTotal, error) {
	return inTime(ctx, t.record.FindingTotals)
}

func (t timely) Findings(ctx context.Context, f payment.FindingFilter) ([]payment.Finding, error) {
	return inTime(ctx, func(ctx context.Context) ([]payment.Finding, error) { return t.record.Findings(ctx, f) })
}

func (t timely) CloseFinding(ctx context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error) {
	return inTime(ctx, func(ctx context.Context) (payment.Finding, error) {
		return t.record.CloseFinding(ctx, actor, id, reason)
	})
}

func (t timely) DeadLetter(ctx context.Context, id string) (deadletter.Message, error) {
	return inTime(ctx, func(ctx context.Context) (deadletter.Message, error) { return t.letters.DeadLetter(ctx, id) })
}

func (t timely) DeadLetters(ctx context.Context, f deadletter.Filter) ([]deadletter.Message, error) {
	return inTime(ctx, func(ctx context.Context) ([]deadletter.Message, error) { return t.letters.DeadLetters(ctx, f) })
}

func (t timely) DiscardDeadLetter(ctx context.Context, actor audit.Actor, id, reason string) (deadletter.Message, error) {
	return inTime(ctx, func(ctx context.Context) (deadletter.Message, error) {
		return t.letters.DiscardDeadLetter(ctx, actor, id, reason)
	})
}

func (t timely) Audit(ctx context.Context, e audit.Entry) error {
	_, err := inTime(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, t.letters.Audit(ctx, e) })
	return err
}

func (t timely) Redrives(ctx context.Context, letterID string) ([]deadletter.Redrive, error) {
	return inTime(ctx, func(ctx context.Context) ([]deadletter.Redrive, error) { return t.letters.Redrives(ctx, letterID) })
}
