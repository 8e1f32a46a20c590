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

// Gauge is how many things wait, and how long the oldest has waited.
type Gauge struct {
	Count  int
	Oldest time.Duration // 0 when there is none; less than 0: a process whose clock is ahead of Postgres' has written it
}

// Gauges are what is open in the whole database, the same for every process.
type Gauges struct {
	Payments    map[payment.Status]Gauge      // open ones, by status; the oldest by when it last changed
	DeadLetters map[deadletter.Cause]Gauge    // open dead letters; the oldest by when it died
	Findings    map[payment.FindingKind]Gauge // open ones of reconciliation, without those that are only counted
	Behind      Gauge                         // payments of which the provider has a newer state; the oldest by when that was found
	PastEnd     Gauge                         // pending ones whose end has passed; the oldest by that end
	Refunds     Gauge                         // refunds that have not ended; the oldest by when it was asked for
	Due         Gauge                         // disputes that wait for documents or an answer, whose deadline comes within four days
	Spool       Gauge
	Undelivered map[Sink]Gauge // payments with events to deliver to a sink, and expired checkouts
	Repeats     Gauge          // events that a subscriber's queue did not accept, to be published again
	Missed      int            // webhooks that reconciliation found missing in the last hour, and that have not come since
	Compared    bool           // reconciliation has finished a window, ever
	Since       time.Duration  // since the end of the newest such window; if never, since the first client app was created
	Ahead       time.Duration  // until the end of the notifications' last partition
}

// selectGauges reads only what is open, each by an index of its own, so that its cost does not grow with the database.
var selectGauges = `
select 'payment', status, count(*), extract(epoch from now() - min(updated_at))::float8 from payments
where ` + isOpen + ` group by status
union all
select 'dead letter', cause, count(*), extract(epoch from now() - min(died_at))::float8 from dead_letters where state = 'open' group by cause
union all
select 'finding', kind, count(*), extract(epoch from now() - min(found_at))::float8 from findings
where resolved_at is null and kind not in ('difference', 'missed_webhook') group by kind
union all
select 'behind', '', count(*), coalesce(extract(epoch from now() - min(f.found_at)), 0)::float8 from ` + differences + `
union all
select 'past end', '', count(*), coalesce(extract(epoch from now() - min(payment_end(method))), 0)::float8 from payments
where status = 'pending' and payment_end(method) < now()
union all
select 'refund', '', count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from operations where ` + isOpenRefund + `
union all
select 'due', '', count(*), 0::float8 from disputes
where deadline > now() and deadline <= now() + interval '4 days' and status not in ('won', 'lost', 'closed')
union all
select 'spool', '', count(*), coalesce(extract(epoch from now() - min(received_at)), 0)::float8 from webhook_spool
union all
select 'undelivered', sink, count(*), extract(epoch from now() - min(since))::float8
from (select sink, since from outbox union all select 'events', event_due_at from checkouts where event_due_at < now() and status = 'expired') waiting
group by sink
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

// Gauges counts what is open. Statuses, causes and kinds with no open row are included, as 0.
func (s *Store) Gauges(ctx context.Context) (Gauges, error) {
	f := Gauges{Payments: map[payment.Status]Gauge{}, DeadLetters: map[deadletter.Cause]Gauge{}, Findings: map[payment.FindingKind]Gauge{}}
	for _, status := range payment.Statuses() {
		if status.Open() {
			f.Payments[status] = Gauge{}
		}
	}
	for _, c := range deadletter.Causes() {
		f.DeadLetters[c] = Gauge{}
	}
	for _, k := range []payment.FindingKind{payment.Contradiction, payment.OrphanPayment, payment.Unreadable} {
		f.Findings[k] = Gauge{}
	}
	f.Undelivered = map[Sink]Gauge{ToSubscribers: {}, ToBuyer: {}}
	var of, label string
	var count int
	var seconds float64
	each := func() error {
		oldest := time.Duration(seconds * float64(time.Second))
		switch of {
		case "payment":
			f.Payments[payment.Status(label)] = Gauge{count, oldest}
		case "dead letter":
			f.DeadLetters[deadletter.Cause(label)] = Gauge{count, oldest}
		case "finding":
			f.Findings[payment.FindingKind(label)] = Gauge{count, oldest}
		case "behind":
			f.Behind = Gauge{count, oldest}
		case "past end":
			f.PastEnd = Gauge{count, oldest}
		case "refund":
			f.Refunds = Gauge{count, oldest}
		case "due":
			f.Due = Gauge{Count: count}
		case "spool":
			f.Spool = Gauge{count, oldest}
		case "undelivered":
			f.Undelivered[Sink(label)] = Gauge{count, oldest}
		case "repeats":
			f.Repeats = Gauge{count, oldest}
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
		rows, _ := conn.Query(ctx, selectGauges)
		_, err := pgx.ForEachRow(rows, []any{&of, &label, &count, &seconds}, each)
		return err
	})
	return f, interpret("count what is open", err)
}
