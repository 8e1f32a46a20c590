package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// Sink is where the events of payments are delivered.
type Sink string

// The sinks.
const (
	ToSubscribers Sink = "events" // queues that are bound to onlywave.events
	ToBuyer       Sink = "email"  // a buyer who wants e-mails
)

// OutboxLease is how long a row of the outbox belongs to the process that has written or taken it. Afterwards any process may take
// it, because that one may be dead. The database's clock decides.
const OutboxLease = 15 * time.Second

// outboxed is the part of a statement that puts an event into the outbox, beside the event itself. The process that inserts the row
// owns it. If there is a row already, its owner delivers this event too.
const outboxed = `
    insert into outbox (payment_id, sink, seq, due_at)
    select id, sink, seq, now() + @lease::interval
    from event cross join unnest(@sinks::text[]) as s (sink)
    where sink <> 'email' or by_email
    on conflict do nothing
    returning sink`

// sinksOf are the sinks to which the event of a move to a status may go.
func sinksOf(s payment.Status) []Sink {
	if (payment.Event{Status: s}).Notice() != "" {
		return []Sink{ToSubscribers, ToBuyer}
	}
	return []Sink{ToSubscribers}
}

// Undelivered are the events of a payment that a sink has yet to get.
type Undelivered struct {
	PaymentID string
	Events    []payment.Event // in order; none when an older release has delivered them meanwhile
	Version   int             // number of the payment's newest event
}

// takeUndelivered leaves out what was published by an older release, which knows payments.published only.
const takeUndelivered = `
with due as (
    select payment_id from outbox where sink = @sink and due_at <= now() order by due_at limit @limit for update skip locked
), taken as (
    update outbox o set due_at = now() + @lease::interval
    from due d
    where o.payment_id = d.payment_id and o.sink = @sink
    returning o.payment_id, o.seq
)
select t.payment_id, p.version, p.client_id, e.seq, e.status, e.data, e.at
from taken t join payments p on p.id = t.payment_id
left join payment_events e on e.payment_id = t.payment_id and e.seq >= t.seq and (@sink <> 'events' or e.seq > p.published)
order by t.payment_id, e.seq`

// TakeUndelivered gives the caller payments with events that a sink has yet to get, the longest due first, for the length of
// OutboxLease.
func (s *Store) TakeUndelivered(ctx context.Context, sink Sink, limit int) ([]Undelivered, error) {
	rows, _ := s.pool.Query(ctx, takeUndelivered, pgx.NamedArgs{"sink": sink, "limit": limit, "lease": OutboxLease})
	taken, err := pgx.CollectRows(rows, scanUndelivered)
	var all []Undelivered
	for _, one := range taken { // of each payment one row for each event
		if n := len(all); n > 0 && all[n-1].PaymentID == one.PaymentID {
			all[n-1].Events = append(all[n-1].Events, one.Events...)
			continue
		}
		all = append(all, one)
	}
	return all, interpret("take what is in the outbox", err)
}

func scanUndelivered(row pgx.CollectableRow) (u Undelivered, err error) {
	var clientID string
	var seq *int
	var status *payment.Status
	var data *payment.EventData
	var at *time.Time
	if err = row.Scan(&u.PaymentID, &u.Version, &clientID, &seq, &status, &data, &at); err == nil && seq != nil {
		u.Events = []payment.Event{{PaymentID: u.PaymentID, ClientID: clientID, Seq: *seq, Status: *status, Data: *data, At: at.UTC()}}
	}
	return u, err
}

// Delivered is which events of a payment a sink has got.
type Delivered struct {
	PaymentID string
	Seq       int   // number of the newest event that it has got
	Refused   []int // numbers of those that a subscriber's queue refused or did not confirm
}

// lockDelivered waits for a concurrent move of one of the payments: afterwards version is the number of the newest event, and the
// outbox has a row of it.
const (
	lockDelivered   = `select from payments where id = any($1::uuid[]) order by id for no key update`
	markPublished   = `update payments p set published = t.seq from unnest($1::uuid[], $2::int[]) as t (id, seq) where p.id = t.id and p.published < t.seq`
	removeDelivered = `
delete from outbox o
using unnest($1::uuid[], $2::int[]) as t (id, seq) join payments p on p.id = t.id
where o.payment_id = t.id and o.sink = $3 and o.seq <= t.seq and p.version <= t.seq`
	// keepRest goes by the row's own seq: a row that begins after the delivered events belongs to another owner.
	keepRest = `
update outbox o set seq = t.seq + 1, since = now(), due_at = now() + $4::interval
from unnest($1::uuid[], $2::int[]) as t (id, seq)
where o.payment_id = t.id and o.sink = $3 and o.seq <= t.seq
returning o.payment_id`
	repeatLater = `
insert into event_repeats (payment_id, seq, failures, due_at)
select id, seq, 1, now() + $3::interval from unnest($1::uuid[], $2::int[]) as r (id, seq)
on conflict do nothing`
)

// KeepDelivered stores which events a sink has got, all at once, and returns the payments with further events: they are the caller's
// for another OutboxLease. Refused events are due again after the gap. A second call changes nothing.
func (s *Store) KeepDelivered(ctx context.Context, sink Sink, delivered []Delivered, gap time.Duration) (more []string, err error) {
	var ids, refusedIDs []string
	var seqs, refused []int
	for _, t := range delivered {
		ids, seqs = append(ids, t.PaymentID), append(seqs, t.Seq)
		for _, seq := range t.Refused {
			refusedIDs, refused = append(refusedIDs, t.PaymentID), append(refused, seq)
		}
	}
	var batch pgx.Batch
	batch.Queue(lockDelivered, ids)
	if sink == ToSubscribers {
		batch.Queue(markPublished, ids, seqs)
	}
	if len(refused) > 0 {
		batch.Queue(repeatLater, refusedIDs, refused, gap)
	}
	batch.Queue(removeDelivered, ids, seqs, sink)
	batch.Queue(keepRest, ids, seqs, sink, OutboxLease).Query(func(rows pgx.Rows) (err error) {
		more, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	err = s.pool.SendBatch(ctx, &batch).Close() // one transaction
	return more, interpret("store what was delivered", err)
}

// enqueue reads payments.published for subscribers, so that delivered events are not delivered again.
const enqueue = `
insert into outbox (payment_id, sink, seq, due_at)
select p.id, s.sink, case s.sink when 'events' then p.published + 1 else @first end, now()
from payments p cross join unnest(@sinks::text[]) as s (sink)
where p.id = @id and (s.sink <> 'events' or p.published < @last)
on conflict do nothing`

// Enqueue puts events into the outbox that are in the database and may not be in the outbox. Workflows from before the outbox call it.
func (s *Store) Enqueue(ctx context.Context, paymentID string, first, last int, sinks []Sink) error {
	_, err := s.pool.Exec(ctx, enqueue, pgx.NamedArgs{"id": paymentID, "first": first, "last": last, "sinks": sinks})
	return interpret("put events of payment "+paymentID+" into the outbox", err)
}

// Repeat is an event that a subscriber's queue refused or did not confirm, to be published again.
type Repeat struct {
	Event    payment.Event
	Failures int // this attempt counted
}

// takeRepeats counts the attempt as failed in advance, so that a process that dies in it cannot repeat it for ever.
const takeRepeats = `
with due as (
    select payment_id, seq from event_repeats where due_at <= now() order by due_at limit @limit for update skip locked
), taken as (
    update event_repeats r set failures = r.failures + 1, due_at = now() + @gap::interval * power(@factor::float8, r.failures)
    from due d
    where r.payment_id = d.payment_id and r.seq = d.seq
    returning r.payment_id, r.seq, r.failures
)
select t.failures, e.payment_id, p.client_id, e.seq, e.status, e.data, e.at
from taken t join payment_events e on e.payment_id = t.payment_id and e.seq = t.seq join payments p on p.id = t.payment_id
order by e.payment_id, e.seq`

// TakeRepeats gives the caller events that are due again. Until the next time each waits for the gap, and factor times as long
// with each failure.
func (s *Store) TakeRepeats(ctx context.Context, limit int, gap time.Duration, factor float64) ([]Repeat, error) {
	rows, _ := s.pool.Query(ctx, takeRepeats, pgx.NamedArgs{"limit": limit, "gap": gap, "factor": factor})
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Repeat, err error) {
		e := &r.Event
		err = row.Scan(&r.Failures, &e.PaymentID, &e.ClientID, &e.Seq, &e.Status, &e.Data, &e.At)
		e.At = e.At.UTC()
		return r, err
	})
	return list, interpret("take events to repeat", err)
}

// ForgetRepeat ends the repetition of an event: every queue has it, or it was repeated often enough.
func (s *Store) ForgetRepeat(ctx context.Context, e payment.Event) error {
	_, err := s.pool.Exec(ctx, `delete from event_repeats where payment_id = $1 and seq = $2`, e.PaymentID, e.Seq)
	return interpret("end the repetition of event "+e.ID(), err)
}

// PutOffRepeat takes back an attempt that could not be made because the broker was unavailable.
func (s *Store) PutOffRepeat(ctx context.Context, e payment.Event, gap time.Duration) error {
	_, err := s.pool.Exec(ctx, `
update event_repeats set failures = failures - 1, due_at = now() + $3::interval where payment_id = $1 and seq = $2`, e.PaymentID, e.Seq, gap)
	return interpret("put off the repetition of event "+e.ID(), err)
}
