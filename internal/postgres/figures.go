package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/migrations"
)

// Figure is a number of things that wait, and for how long the oldest has.
type Figure struct {
	Count  int
	Oldest time.Duration // 0 when there is none; less than 0: it was written by a clock that is ahead of Postgres'
}

// Figures are what is open in the whole record, whoever asks.
type Figures struct {
	Payments map[payment.Status]Figure      // open ones, by status; the oldest by when it last changed
	Letters  map[deadletter.Cause]Figure    // open dead letters; the oldest by when it died
	Findings map[payment.FindingKind]Figure // open ones of reconciliation, without those that are only counted
	Behind   Figure                         // payments that the provider knows something newer of; the oldest by when that was found
	PastEnd  Figure                         // pending ones whose end has passed; the oldest by that end
	Spool    Figure
	Untold   map[Sink]Figure // payments of which a sink has still to be told
	Repeats  Figure          // events that a subscriber's queue did not take and that will be published again
	Missed   int             // webhooks that reconciliation found missing in the last hour, and that have not come since
	Compared bool            // the provider's books have been, ever
	Since    time.Duration   // since the newest moment up to which they have; if never, since there is a client app
	Ahead    time.Duration   // until the last month of notifications that has a partition is over
}

// selectFigures reads only what is open, each by an index of its own, so that its cost does not grow with the record.
var selectFigures = `
select 'payment', status, count(*), extract(epoch from now() - min(updated_at))::float8 from payments
where ` + isOpen + ` group by status
union all
select 'letter', cause, count(*), extract(epoch from now() - min(died_at))::float8 from dead_letters where state = 'open' group by cause
union all
select 'finding', kind, count(*), extract(epoch from now() - min(found_at))::float8 from findings
where resolved_at is null and kind not in ('difference', 'missed_webhook') group by kind
union all
select 'behind', '', count(*), coalesce(extract(epoch from now() - min(f.found_at)), 0)::float8 from ` + differences + `
union all
select 'past end', '', count(*), coalesce(extract(epoch from now() - min(payment_end(method))), 0)::float8 from payments
where status = 'pending' and payment_end(method) < now()
union all
select 'spool', '', count(*), coalesce(extract(epoch from now() - min(received_at)), 0)::float8 from webhook_spool
union all
select 'untold', sink, count(*), extract(epoch from now() - min(since))::float8 from outbox group by sink
union all
select 'repeats', '', count(*), coalesce(extract(epoch from now() - min(since)), 0)::float8 from event_repeats
union all
select 'missed', '', count(*), 0::float8 from findings f join reconciliations r on r.id = f.reconciliation_id
where r.started_at > now() - interval '1 hour' and f.kind = 'missed_webhook' and f.resolved_at is null
union all
select 'compared', '', count(window_to), coalesce(extract(epoch from now() - coalesce(max(window_to), (select min(created_at) from clients))), 0)::float8
from (select window_to from reconciliations where finished_at is not null and window_to <= now() order by window_to desc limit 1) newest
union all
select 'ahead', '', 0, coalesce(extract(epoch from max(until) - now()), 0)::float8 from (` + migrations.SelectPartitions + `) p`

// Figures counts what is open. Statuses, causes and kinds of which there is none are there, too.
func (s *Store) Figures(ctx context.Context) (Figures, error) {
	f := Figures{Payments: map[payment.Status]Figure{}, Letters: map[deadletter.Cause]Figure{}, Findings: map[payment.FindingKind]Figure{}}
	for _, status := range payment.Statuses() {
		if status.Open() {
			f.Payments[status] = Figure{}
		}
	}
	for _, c := range deadletter.Causes() {
		f.Letters[c] = Figure{}
	}
	for _, k := range []payment.FindingKind{payment.Contradiction, payment.OrphanPayment, payment.Unreadable} {
		f.Findings[k] = Figure{}
	}
	f.Untold = map[Sink]Figure{ToSubscribers: {}, ToBuyer: {}}
	var of, label string
	var count int
	var seconds float64
	each := func() error {
		oldest := time.Duration(seconds * float64(time.Second))
		switch of {
		case "payment":
			f.Payments[payment.Status(label)] = Figure{count, oldest}
		case "letter":
			f.Letters[deadletter.Cause(label)] = Figure{count, oldest}
		case "finding":
			f.Findings[payment.FindingKind(label)] = Figure{count, oldest}
		case "behind":
			f.Behind = Figure{count, oldest}
		case "past end":
			f.PastEnd = Figure{count, oldest}
		case "spool":
			f.Spool = Figure{count, oldest}
		case "untold":
			f.Untold[Sink(label)] = Figure{count, oldest}
		case "repeats":
			f.Repeats = Figure{count, oldest}
		case "missed":
			f.Missed = count
		case "compared":
			f.Compared, f.Since = count > 0, oldest
		case "ahead":
			f.Ahead = max(oldest, 0)
		}
		return nil
	}
	err := read(ctx, s.pool, func(conn *pgxpool.Conn) error {
		rows, _ := conn.Query(ctx, selectFigures)
		_, err := pgx.ForEachRow(rows, []any{&of, &label, &count, &seconds}, each)
		return err
	})
	return f, interpret("count what is open", err)
}
