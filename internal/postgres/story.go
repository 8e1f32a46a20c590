package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// Archived is a provider's notification in the archive, without its body.
type Archived struct {
	ID         string
	Topic      string
	Action     string
	ReceivedAt time.Time
}

// Notifications lists the newest notifications about a provider's payment, newest first.
func (s *Store) Notifications(ctx context.Context, providerPaymentID string, limit int) ([]Archived, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (Archived, error) {
		n, err := pgx.RowToStructByPos[Archived](row)
		n.ReceivedAt = n.ReceivedAt.UTC()
		return n, err
	}, `
select id, topic, action, received_at from webhook_notifications
where topic = 'payment' and resource_id = $1 order by received_at desc limit $2`, providerPaymentID, limit)
	return list, interpret("list the notifications about "+providerPaymentID, err)
}

// Emails lists what became of a payment's e-mails, oldest first.
func (s *Store) Emails(ctx context.Context, paymentID string) ([]payment.Email, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (payment.Email, error) {
		e, err := pgx.RowToStructByPos[payment.Email](row)
		e.At = e.At.UTC()
		return e, err
	}, `select id, notice, payment_id, outcome, at from emails where payment_id = $1 order by at`, paymentID)
	return list, interpret("list the e-mails of payment "+paymentID, err)
}

// Backlog are the events of a payment that wait for their receivers.
type Backlog struct {
	Published int // number of the newest event that RabbitMQ has taken
	Sinks     []SinkBacklog
	Refused   []RefusedEvent
}

// SinkBacklog is the first event that a sink has yet to get, and since when it waits.
type SinkBacklog struct {
	Sink  Sink
	Seq   int
	Since time.Time
}

// RefusedEvent is an event that the queue of a subscriber refused or did not confirm, and when it is published again.
type RefusedEvent struct {
	Seq      int
	Failures int
	Due      time.Time
}

// Backlog reads which events of a payment wait. Kind NotFound if there is no such payment.
func (s *Store) Backlog(ctx context.Context, paymentID string) (Backlog, error) {
	doing := "read the outbox of payment " + paymentID
	published, err := readRow(ctx, s.pool, pgx.RowTo[int], `select published from payments where id = $1`, paymentID)
	if err != nil {
		return Backlog{}, interpret(doing, err)
	}
	b := Backlog{Published: published}
	b.Sinks, err = readRows(ctx, s.pool, pgx.RowToStructByPos[SinkBacklog], `select sink, seq, since from outbox where payment_id = $1 order by sink`, paymentID)
	if err != nil {
		return b, interpret(doing, err)
	}
	b.Refused, err = readRows(ctx, s.pool, pgx.RowToStructByPos[RefusedEvent],
		`select seq, failures, due_at from event_repeats where payment_id = $1 order by seq`, paymentID)
	return b, interpret(doing, err)
}

// FindingsOf lists the newest findings about a payment, open or not, newest first.
func (s *Store) FindingsOf(ctx context.Context, paymentID string, limit int) ([]payment.Finding, error) {
	list, err := readRows(ctx, s.pool, scanFinding, selectFinding+`where payment_id = $1 order by id desc limit $2`, paymentID, limit)
	return list, interpret("list the findings of payment "+paymentID, err)
}

// RedrivesOf lists the newest redrives of some dead letters, newest first.
func (s *Store) RedrivesOf(ctx context.Context, deadLetterIDs []string, limit int) ([]deadletter.Redrive, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (deadletter.Redrive, error) {
		r, err := pgx.RowToStructByPos[deadletter.Redrive](row)
		r.At = r.At.UTC()
		return r, err
	}, `
select redrive_id, letter_id, actor, reason, at, outcome, error
from redrives where letter_id = any($1) order by at desc limit $2`, deadLetterIDs, limit)
	return list, interpret("list redrives", err)
}

// AuditOf lists the newest entries about some objects, such as payment/…, newest first.
func (s *Store) AuditOf(ctx context.Context, objects []string, limit int) ([]audit.Entry, error) {
	list, err := readRows(ctx, s.pool, scanAudit, selectAudit+` and object = any($1) order by at desc, id desc limit $2`, objects, limit)
	return list, interpret("read the audit", err)
}
