package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// entryBefore and entryAfter are what the moves of a payment have in common whose buyer enters a card on the pay page.
const entryBefore = `
with before as (
    select id, client_id, method_type, created_at, status, amount, version, payer ->> 'notify_by' = 'email' as by_email
    from payments
    where id = @id
    for update
), moved as (`

const entryAfter = `
    returning p.id, p.version as seq, b.amount, b.by_email
), written as (
    insert into payment_events (payment_id, seq, status, data, at)
    select id, seq, @status, @data::jsonb || jsonb_build_object('amount', amount), @at from moved
    returning seq, data
), event as (
    select id, seq, by_email from moved
), undelivered as (` + outboxed + `
)`

const enterCard = entryBefore + `
    update payments p
    set status = @status, method = p.method || jsonb_build_object('entered', @entered::jsonb), version = b.version + 1, updated_at = @at
    from before b
    where p.id = b.id` + entryAfter + `, asked as (
    insert into operations (provider_key, payment_id, kind, number, amount, fingerprint, created_at, updated_at)
    select @provider_key, id, @operation, @number, amount, @print, @at, @at from moved
)` + backAndEvent

// CardTaken is what became of a card entry.
type CardTaken struct {
	Move
	New     bool   // it is to be charged, and was not here before
	Current bool   // it is the payment's newest entry
	Why     string // why it is not charged; "": it is, or was
}

// TakeCard stores that a card which the buyer has entered is to be charged, and moves the payment to processing, if it waits for a card. The
// entry's print decides: a second call finds the entry of the first, whatever became of it. Never are two charged at once.
func (s *Store) TakeCard(ctx context.Context, id string, e payment.CardEntry, print string, at time.Time) (taken CardTaken, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectPayment+`where id = $1 for update`, id) // rows know the error, too
		p, err := pgx.CollectExactlyOneRow(rows, scanPayment)
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, selectOperations+` and kind = $2`+inOrder, id, payment.Charge)
		tried, err := pgx.CollectRows(rows, scanOperation)
		if err != nil {
			return err
		}
		taken = CardTaken{Move: Move{Status: p.Status, From: p.Status, Payment: p}}
		switch known := slices.IndexFunc(tried, func(o payment.OperationRecord) bool { return o.Fingerprint == print }); {
		case known >= 0:
			taken.Current = tried[known].Number == p.Attempt()
			return nil
		case !p.AwaitsCard():
			taken.Why = "the payment is " + string(p.Status) + ": no card can be entered"
			return nil
		case !at.Before(p.Instructions.ExpiresAt):
			taken.Why = "the time to enter a card is over"
			return nil
		case len(tried) >= payment.CardAttempts:
			taken.Why = "too many cards were tried"
			return nil
		}
		number := len(tried) + 1
		taken.New, taken.Current = true, true
		taken.Move, err = s.move(ctx, tx, "take a card for payment "+id, enterCard, id, payment.Processing, at, pgx.NamedArgs{
			"id": id, "status": payment.Processing, "entered": payment.Entered{CardEntry: e, Attempt: number}, "at": at,
			"provider_key": payment.ProviderKey(id, payment.Charge, number), "number": number, "print": print, "data": payment.EventData{},
		})
		return err
	})
	if _, known := errors.AsType[*failure.Error](err); known {
		return taken, err
	}
	return taken, interpret("take a card for payment "+id, err)
}

const rejectCard = entryBefore + `
    update payments p
    set status = @status, failure = '', failure_code = '', version = b.version + 1, updated_at = @at,
        method = jsonb_set(p.method, '{entered,rejected}', to_jsonb(@why::text))
    from before b
    where p.id = b.id and p.provider_updated_at is null and b.status = any(@known) and (p.method -> 'entered' ->> 'attempt')::int = @number` + entryAfter + `, ended as (
    update operations set outcome = 'refused', failure = @why, provider_id = @provider_id, updated_at = @at
    where provider_key = @provider_key and exists (select from moved)
)` + backAndEvent

// RejectCard stores that the provider has taken no money of the card that was entered last, and lets the buyer enter another. Doing it again,
// or for another entry than the last, changes nothing.
func (s *Store) RejectCard(ctx context.Context, id string, attempt int, providerPaymentID, why string, at time.Time) (Move, error) {
	return s.move(ctx, s.pool, "reject a card of payment "+id, rejectCard, id, payment.Pending, at, pgx.NamedArgs{
		"id": id, "status": payment.Pending, "why": why, "number": attempt, "provider_id": providerPaymentID, "at": at,
		"provider_key": payment.ProviderKey(id, payment.Charge, attempt), "known": []payment.Status{payment.Processing, payment.Unknown},
		"data": payment.EventData{ProviderPaymentID: providerPaymentID, ProviderStatus: string(payment.Rejected), StatusDetail: why},
	})
}

const endEntry = entryBefore + `
    update payments p
    set status = @status, version = b.version + 1, updated_at = @at
    from before b
    where p.id = b.id and p.provider_updated_at is null and b.status = 'pending'` + entryAfter + backAndEvent

// EndEntry stores that no card can be entered any more: the payment has expired, or was cancelled. Only one that waits for a card changes.
func (s *Store) EndEntry(ctx context.Context, id string, to payment.Status, at time.Time) (Move, error) {
	return s.move(ctx, s.pool, "end the card entry of payment "+id, endEntry, id, to, at, pgx.NamedArgs{
		"id": id, "status": to, "at": at, "data": payment.EventData{},
	})
}

// CardCharges lists the charges of the cards that a payment's buyer has entered, in their order.
func (s *Store) CardCharges(ctx context.Context, id string) ([]payment.OperationRecord, error) {
	list, err := readRows(ctx, s.pool, scanOperation, selectOperations+` and kind = $2 order by number`, id, payment.Charge)
	return list, interpret("list the card charges of payment "+id, err)
}

// RestoreCardCharges stores the charges that the provider shows, oldest first, and that the database has lost, and lists all. A second call
// finds them stored.
func (s *Store) RestoreCardCharges(ctx context.Context, id string, shown []payment.ProviderState, at time.Time) ([]payment.OperationRecord, error) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var amount int64
		if err := tx.QueryRow(ctx, `select amount from payments where id = $1 for update`, id).Scan(&amount); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, selectOperations+` and kind = $2 order by number`, id, payment.Charge)
		stored, err := pgx.CollectRows(rows, scanOperation)
		if err != nil {
			return err
		}
		lost, rejected := missingCharges(id, amount, stored, shown, at)
		for _, o := range lost {
			if err := insertOperation(ctx, tx, id, o); err != nil {
				return err
			}
		}
		for _, o := range rejected {
			if err := rejectCharge(ctx, tx, o, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, interpret("restore the card charges of payment "+id, err)
	}
	return s.CardCharges(ctx, id)
}

// missingCharges are the shown charges that are not stored, and the stored ones of which it is not known that the provider has rejected them.
// The n-th that the provider has made is taken for the n-th that was asked for: the provider does not say under which key it was. One that
// is not rejected stays asked for, since storing the payment's state ends it.
func missingCharges(id string, amount int64, stored []payment.OperationRecord, shown []payment.ProviderState, at time.Time) (lost, rejected []payment.OperationRecord) {
	unnamed := slices.DeleteFunc(slices.Clone(stored), func(o payment.OperationRecord) bool { return o.ProviderID != "" || !o.Made() })
	for _, x := range shown {
		if slices.ContainsFunc(stored, func(o payment.OperationRecord) bool { return o.ProviderID == x.PaymentID }) {
			continue
		}
		missing := len(unnamed) == 0
		var o payment.OperationRecord
		if missing {
			number := len(stored) + len(lost) + 1
			o = payment.OperationRecord{
				ProviderKey: payment.ProviderKey(id, payment.Charge, number), Kind: payment.Charge, Number: number, Amount: amount,
				Outcome: payment.OutcomeAsked, CreatedAt: at,
			}
		} else {
			o, unnamed = unnamed[0], unnamed[1:]
		}
		if x.Status == payment.Rejected {
			o.Outcome, o.Failure, o.ProviderID = payment.OutcomeRefused, x.StatusDetail, x.PaymentID
		}
		switch {
		case missing:
			lost = append(lost, o)
		case o.Outcome == payment.OutcomeRefused:
			rejected = append(rejected, o)
		}
	}
	return lost, rejected
}

func rejectCharge(ctx context.Context, tx pgx.Tx, o payment.OperationRecord, at time.Time) error {
	_, err := tx.Exec(ctx, `update operations set outcome = $2, failure = $3, provider_id = $4, updated_at = $5 where provider_key = $1`,
		o.ProviderKey, o.Outcome, o.Failure, o.ProviderID, at)
	return err
}
