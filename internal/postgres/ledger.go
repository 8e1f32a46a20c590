package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/payment"
)

// The ledger is written by triggers (migration 00190_ledger.sql): at the end of each transaction that moves a payment, ends a refund or
// settles a payment, post_ledger posts what the ledger lacks. Go reads it, settles what is due, and posts what is from before the ledger.

// Ledger lists the entries of a payment, oldest first.
func (s *Store) Ledger(ctx context.Context, paymentID string) ([]payment.LedgerEntry, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (payment.LedgerEntry, error) {
		e, err := pgx.RowToStructByPos[payment.LedgerEntry](row)
		e.At = e.At.UTC()
		return e, err
	}, `
select posting, cause, coalesce(refund_id::text, ''), account, amount, sum(amount) over (partition by account order by posting)::bigint, currency, at
from ledger_entries where payment_id = $1 order by posting, amount < 0, account`, paymentID)
	return list, interpret("read the ledger of payment "+paymentID, err)
}

// Balance is what a client app has at the provider.
func (s *Store) Balance(ctx context.Context, clientID string) (payment.Balance, error) {
	b := payment.Balance{Currency: payment.BRL}
	found, err := readRow(ctx, s.pool, pgx.RowToStructByPos[struct{ Pending, Available int64 }], `
select coalesce(sum(pending), 0)::bigint, coalesce(sum(available), 0)::bigint from ledger_balances where client_id = $1 and currency = $2`, clientID, b.Currency)
	b.Pending, b.Available = found.Pending, found.Available
	return b, interpret("read the balance of "+clientID, err)
}

// takeReleased locks payments whose money the provider has released. One that another transaction has locked is left to the next call.
const takeReleased = `
select id from payments
where settled_at is null and money_release_at is not null and money_release_at <= $1 and status in ('approved', 'partially_refunded', 'refunded')
order by money_release_at limit $2
for no key update skip locked`

// settleMoney settles payments that the transaction has locked, with one event for each. It is a statement of its own, because one that locks
// them itself does not see what was posted by a transaction that has ended between its beginning and the lock, such as a refund.
const settleMoney = `
with event as (
    update payments p set settled_at = @at, version = p.version + 1, updated_at = @at
    where p.id = any(@ids)
    returning p.id, p.version as seq, p.status, p.amount, p.amount_captured, p.amount_refunded, p.provider_payment_id, false as by_email
), written as (
    insert into payment_events (payment_id, seq, status, data, at)
    select id, seq, status, jsonb_strip_nulls(jsonb_build_object('amount_captured', amount_captured)) || jsonb_build_object(
        'provider_payment_id', provider_payment_id, 'amount', amount, 'amount_refunded', amount_refunded,
        'settlement', jsonb_build_object('amount', coalesce((
            select sum(e.amount) from ledger_entries e where e.payment_id = event.id and e.account = 'pending'), 0))), @at
    from event
), undelivered as (` + outboxed + `
)
select id from event`

// SettleMoney moves the money of at most so many payments whose release date has come from pending to available, and returns the payments as
// they are now. A second call does not settle them again.
func (s *Store) SettleMoney(ctx context.Context, at time.Time, limit int) ([]payment.Payment, error) {
	const doing = "settle the payments that are due"
	var ids []string
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, takeReleased, at, limit) // rows know the error, too
		var err error
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(ids) == 0 {
			return err
		}
		_, err = tx.Exec(ctx, settleMoney, pgx.NamedArgs{"at": at, "ids": ids, "sinks": []Sink{ToSubscribers}, "lease": time.Duration(0)})
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, interpret(doing, err)
	}
	settled, err := readRows(ctx, s.pool, scanPayment, selectPayment+`where id = any($1)`, ids)
	return settled, interpret(doing, err)
}

const selectUnposted = `
select id from payments p
where status in ('approved', 'partially_refunded', 'refunded', 'in_dispute', 'charged_back')
  and not exists (select from ledger_entries e where e.payment_id = p.id)
limit $1`

const (
	unpostedRound = 100_000 // payments that are looked for at a time
	unpostedBatch = 500     // payments of one transaction, so that no other transaction waits long for any of them
)

// PostOldPayments posts the paid payments from before the ledger, with what is known of them, until all are posted or the time is over. It
// says how many it has posted, and whether there may be more. Running it again, also at the same time, posts only what is left.
func (s *Store) PostOldPayments(ctx context.Context, until time.Time) (posted int, more bool, err error) {
	const doing = "post payments from before the ledger"
	for {
		ids, err := readRows(ctx, s.pool, pgx.RowTo[string], selectUnposted, unpostedRound)
		if err != nil || len(ids) == 0 {
			return posted, false, interpret(doing, err)
		}
		slices.Sort(ids)
		for batch := range slices.Chunk(ids, unpostedBatch) {
			if time.Now().After(until) {
				return posted, true, nil
			}
			_, err := s.pool.Exec(ctx, `
with locked as materialized (select id from payments where id = any($1) order by id for no key update)
select post_ledger(id) from locked`, batch)
			if err != nil {
				return posted, true, interpret(doing, err)
			}
			posted += len(batch)
		}
	}
}

// known is a time of the provider's answer, or null when the answer does not say it.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
