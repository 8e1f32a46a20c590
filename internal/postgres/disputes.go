package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

const selectDispute = `
select id, payment_id, client_id, kind, provider_id, status, amount, currency, deadline, opened_at, updated_at, provider_updated_at
from disputes `

func scanDispute(row pgx.CollectableRow) (d payment.Dispute, err error) {
	var deadline, updated *time.Time
	err = row.Scan(&d.ID, &d.PaymentID, &d.ClientID, &d.Kind, &d.ProviderID, &d.Status, &d.Amount, &d.Currency, &deadline, &d.OpenedAt, &d.UpdatedAt, &updated)
	d.Deadline, d.ProviderUpdatedAt = utc(deadline), utc(updated)
	d.OpenedAt, d.UpdatedAt = d.OpenedAt.UTC(), d.UpdatedAt.UTC()
	return d, err
}

// utc is a time that may be null; then it is zero.
func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// Disputes lists the disputes of a payment, oldest first.
func (s *Store) Disputes(ctx context.Context, paymentID string) ([]payment.Dispute, error) {
	list, err := readRows(ctx, s.pool, scanDispute, selectDispute+`where payment_id = $1 order by opened_at, id`, paymentID)
	return list, interpret("list the disputes of payment "+paymentID, err)
}

// Dispute reads one dispute; kind NotFound when there is none.
func (s *Store) Dispute(ctx context.Context, id string) (payment.Dispute, error) {
	d, err := readRow(ctx, s.pool, scanDispute, selectDispute+`where id = $1`, id)
	return d, interpret("read dispute "+id, err)
}

// AllDisputes lists the disputes that a filter chooses, the newest first.
func (s *Store) AllDisputes(ctx context.Context, f payment.DisputeFilter) ([]payment.Dispute, error) {
	list, err := readRows(ctx, s.pool, scanDispute, selectDispute+`
where ($1 = '' or client_id = $1) and ($2 = '' or status = $2) and ($3::timestamptz is null or (opened_at, id) < ($3, $4::uuid))
order by opened_at desc, id desc limit $5`, f.ClientID, string(f.Status), known(f.After.CreatedAt), nullID(f.After.ID), f.Limit)
	return list, interpret("list disputes", err)
}

func nullID(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// KeepDisputes stores what the provider says of a payment's disputes, with an event for each change. An answer that is older than what is
// stored changes nothing, and the same answer twice changes nothing the second time. It returns the payment as it is then, and the changes.
func (s *Store) KeepDisputes(ctx context.Context, paymentID string, news []payment.ProviderDispute, at time.Time) (p payment.Payment, changed []payment.EventDispute, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectPayment+`where id = $1 for update`, paymentID) // rows know the error, too
		if p, err = pgx.CollectExactlyOneRow(rows, scanPayment); err != nil {
			return err
		}
		for _, n := range news {
			changes, err := keepDispute(ctx, tx, &p, n, at)
			if err != nil {
				return err
			}
			changed = append(changed, changes...)
		}
		_, err := tx.Exec(ctx, `update disputes set asked_at = $2 where payment_id = $1 and asked_at < $2`, paymentID, at)
		return err
	})
	return p, changed, interpret("store the disputes of payment "+paymentID, err)
}

// keepDispute is one of KeepDisputes. The payment's row is locked.
func keepDispute(ctx context.Context, tx pgx.Tx, p *payment.Payment, news payment.ProviderDispute, at time.Time) ([]payment.EventDispute, error) {
	news.UpdatedAt, news.OpenedAt, news.Deadline = micro(news.UpdatedAt), micro(news.OpenedAt), micro(news.Deadline)
	rows, _ := tx.Query(ctx, selectDispute+`where id = $1`, payment.DisputeID(p.ID, news.Kind, news.ID))
	found, err := pgx.CollectRows(rows, scanDispute)
	if err != nil {
		return nil, err
	}
	var before payment.Dispute
	if len(found) > 0 {
		before = found[0]
	}
	if before.ID != "" && news.Documented { // what was being sent is there, though its answer was lost
		if err := evidenceArrived(ctx, tx, p, before, `status = $2`, payment.EvidenceSending, at); err != nil {
			return nil, err
		}
	}
	after := payment.NewDispute(*p, news, at)
	if before.ID != "" {
		after = before.With(*p, news, at)
	}
	if after == before {
		return nil, nil
	}
	_, err = tx.Exec(ctx, `
insert into disputes (id, payment_id, client_id, kind, provider_id, status, amount, currency, deadline, opened_at, updated_at, provider_updated_at, asked_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (id) do update set kind = excluded.kind, status = excluded.status, amount = excluded.amount, deadline = excluded.deadline,
    updated_at = excluded.updated_at, provider_updated_at = excluded.provider_updated_at`,
		after.ID, after.PaymentID, after.ClientID, after.Kind, after.ProviderID, after.Status, after.Amount, after.Currency,
		known(after.Deadline), after.OpenedAt, after.UpdatedAt, known(after.ProviderUpdatedAt), at)
	if err != nil {
		return nil, err
	}
	var changes []payment.EventDispute
	for _, change := range after.Since(before) {
		e := after.Event(change)
		changes = append(changes, e)
		if err := tell(ctx, tx, p, payment.EventData{Dispute: &e}, at); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// tell writes an event of a payment that leaves its status as it is, with the payment's next number. The relay finds it in the outbox. The
// payment's row is locked.
func tell(ctx context.Context, tx pgx.Tx, p *payment.Payment, data payment.EventData, at time.Time) error {
	p.Version++
	p.UpdatedAt = at
	data.ProviderPaymentID, data.Amount, data.AmountCaptured, data.AmountRefunded = p.Provider.PaymentID, p.Amount.Centavos, p.Captured, p.Refunded
	_, err := tx.Exec(ctx, `
with event as (
    update payments set version = @seq, updated_at = @at where id = @id returning id, @seq::int as seq, false as by_email
), written as (
    insert into payment_events (payment_id, seq, status, data, at) values (@id, @seq, @status, @data, @at)
)`+outboxed, pgx.NamedArgs{
		"id": p.ID, "seq": p.Version, "status": p.Status, "data": data, "at": at,
		"sinks": []Sink{ToSubscribers}, "lease": time.Duration(0),
	})
	return err
}

const selectDue = selectDispute + `
where deadline > $1 and deadline <= $2 and status not in ('won', 'lost', 'closed') and reminded_of is distinct from deadline
order by deadline limit $3`

// RemindDisputes writes the event that reminds of each dispute whose deadline is not over and comes before a moment, once for each deadline.
// A second call reminds of nothing again.
func (s *Store) RemindDisputes(ctx context.Context, at, before time.Time, limit int) ([]payment.Dispute, error) {
	const doing = "remind of disputes"
	due, err := readRows(ctx, s.pool, scanDispute, selectDue, at, before, limit)
	if err != nil {
		return nil, interpret(doing, err)
	}
	var reminded []payment.Dispute
	for _, d := range due {
		told, err := s.remind(ctx, d, at)
		if err != nil {
			return reminded, interpret(doing, err)
		}
		if told {
			reminded = append(reminded, d)
		}
	}
	return reminded, nil
}

// remind locks the payment first, as everything that writes its events does.
func (s *Store) remind(ctx context.Context, d payment.Dispute, at time.Time) (told bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectPayment+`where id = $1 for update`, d.PaymentID)
		p, err := pgx.CollectExactlyOneRow(rows, scanPayment)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
update disputes set reminded_of = deadline
where id = $1 and deadline = $2 and status = $3 and reminded_of is distinct from deadline`, d.ID, d.Deadline, d.Status)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		told = true
		e := d.Event(payment.DisputeReminder)
		return tell(ctx, tx, &p, payment.EventData{Dispute: &e}, at)
	})
	return told, err
}

// alertsLast is how long a fraud alert of a paid payment is looked at: it has no end if nobody refunds the payment.
const alertsLast = 30 * 24 * time.Hour

// UnaskedDisputes lists disputes that have not ended and that the provider was not asked about since a moment, the longest first.
func (s *Store) UnaskedDisputes(ctx context.Context, since time.Time, limit int) ([]payment.Dispute, error) {
	list, err := readRows(ctx, s.pool, scanDispute, selectDispute+`
where status not in ('won', 'lost', 'closed') and asked_at < $1 and (kind <> 'fraud_alert' or opened_at > $2) order by asked_at limit $3`,
		since, since.Add(-alertsLast), limit)
	return list, interpret("list the disputes to ask about", err)
}
