package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const selectCheckout = `
select id, client_id, idempotency_key, fingerprint, status, amount, currency, request, preference_id, pay_url, coalesce(paid_by::text, ''),
       failure, failure_code, created_at, updated_at
from checkouts `

func scanCheckout(row pgx.CollectableRow) (c payment.Checkout, err error) {
	var money payment.Money
	err = row.Scan(&c.ID, &c.ClientID, &c.IdempotencyKey, &c.Fingerprint, &c.Status, &money.Centavos, &money.Currency, &c.CheckoutRequest,
		&c.PreferenceID, &c.PayURL, &c.PaidBy, &c.Failure, &c.FailureCode, &c.CreatedAt, &c.UpdatedAt)
	c.Amount = money
	c.CreatedAt, c.UpdatedAt = c.CreatedAt.UTC(), c.UpdatedAt.UTC()
	return c, err
}

// OpenCheckout writes a new checkout before the provider is asked for it. When it is already there nothing changes. Either way the result is
// the checkout as it stands; kind Conflict when another checkout has its idempotency key.
func (s *Store) OpenCheckout(ctx context.Context, c payment.Checkout) (stands payment.Checkout, written bool, err error) {
	doing := "open checkout " + c.ID
	tag, err := s.pool.Exec(ctx, `
insert into checkouts (id, client_id, idempotency_key, fingerprint, status, amount, currency, request, reference, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
on conflict do nothing`, c.ID, c.ClientID, c.IdempotencyKey, c.Fingerprint, payment.CheckoutProcessing, c.Amount.Centavos, c.Amount.Currency,
		c.CheckoutRequest, c.Reference, c.CreatedAt)
	if err != nil {
		return payment.Checkout{}, false, interpret(doing, err)
	}
	stands, err = s.Checkout(ctx, c.ID)
	if failure.KindOf(err) == failure.NotFound {
		err = &failure.Error{Kind: failure.Conflict, Message: "the idempotency key belongs to another checkout", Err: err}
	}
	return stands, tag.RowsAffected() == 1, err
}

// Checkout reads one checkout; kind NotFound when there is none.
func (s *Store) Checkout(ctx context.Context, id string) (payment.Checkout, error) {
	c, err := readRow(ctx, s.pool, scanCheckout, selectCheckout+`where id = $1`, id)
	return c, interpret("read checkout "+id, err)
}

// CheckoutsByID reads those of the checkouts that there are.
func (s *Store) CheckoutsByID(ctx context.Context, ids []string) (map[string]payment.Checkout, error) {
	list, err := readRows(ctx, s.pool, scanCheckout, selectCheckout+`where id = any($1)`, ids)
	found := make(map[string]payment.Checkout, len(list))
	for _, c := range list {
		found[c.ID] = c
	}
	return found, interpret("read checkouts", err)
}

// Checkouts lists the checkouts that a filter chooses, the newest first.
func (s *Store) Checkouts(ctx context.Context, f payment.CheckoutFilter) ([]payment.Checkout, error) {
	list, err := readRows(ctx, s.pool, scanCheckout, selectCheckout+`
where client_id = $1 and ($2 = '' or status = $2) and ($3 = '' or reference = $3) and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
order by created_at desc, id desc limit $6`, f.ClientID, string(f.Status), f.Reference, known(f.After.CreatedAt), nullID(f.After.ID), f.Limit)
	return list, interpret("list checkouts", err)
}

// Attempts lists the payments that are attempts at a checkout, oldest first.
func (s *Store) Attempts(ctx context.Context, checkoutID string) ([]payment.Payment, error) {
	list, err := readRows(ctx, s.pool, scanPayment, selectPayment+`where checkout_id = $1 order by created_at, id`, checkoutID)
	return list, interpret("list the attempts at checkout "+checkoutID, err)
}

// MakeCheckout stores the preference that the provider has made. The first one stays: a second one was made because the answer about the
// first was lost, and its payments are attempts at the same checkout.
func (s *Store) MakeCheckout(ctx context.Context, id, preferenceID, payURL string, at time.Time) (payment.Checkout, error) {
	return s.moveCheckout(ctx, "make checkout "+id, id, `
update checkouts set status = $2, preference_id = $3, pay_url = $4, updated_at = $5
where id = $1 and status = $6 and preference_id = ''`, payment.CheckoutOpen, preferenceID, payURL, at, payment.CheckoutProcessing)
}

// FailCheckout stores that the provider has refused to make a checkout.
func (s *Store) FailCheckout(ctx context.Context, id string, code failure.Code, why string, at time.Time) (payment.Checkout, error) {
	return s.moveCheckout(ctx, "fail checkout "+id, id, `
update checkouts set status = $2, failure = $3, failure_code = $4, updated_at = $5
where id = $1 and status = $6`, payment.CheckoutFailed, why, cmp.Or(code, failure.CodeRefused), at, payment.CheckoutProcessing)
}

// EndCheckout stores that a checkout has ended unpaid, and that an event has to tell of it if it has expired: the client app does not know that
// yet. It waits a minute, because a payment that the last look has found may be about to pay the checkout. One that is paid, or has ended already, stays as it is.
func (s *Store) EndCheckout(ctx context.Context, id string, as payment.CheckoutStatus, at time.Time) (payment.Checkout, error) {
	return s.moveCheckout(ctx, "end checkout "+id, id, `
update checkouts set status = $2, updated_at = $3, event_due_at = case when $2 = 'expired' then now() + interval '1 minute' end
where id = $1 and status = any($4)`, as, at, []payment.CheckoutStatus{payment.CheckoutProcessing, payment.CheckoutOpen})
}

// PaidAlready stores which attempt has paid a checkout that does not know it, because its row was lost since: approving an attempt pays its
// checkout in one transaction.
func (s *Store) PaidAlready(ctx context.Context, id, paymentID string, at time.Time) (payment.Checkout, error) {
	return s.moveCheckout(ctx, "find checkout "+id+" paid", id, `
update checkouts set status = $2, paid_by = $3, updated_at = $4, event_due_at = null
where id = $1 and paid_by is null`, payment.CheckoutPaid, paymentID, at)
}

// OverdueCheckouts lists checkouts that wait although their end came before a moment, in any order. The run that ends one is gone, or cannot ask
// the provider.
func (s *Store) OverdueCheckouts(ctx context.Context, before time.Time, limit int) (ids []string, err error) {
	ids, err = readRows(ctx, s.pool, pgx.RowTo[string], `
select id from checkouts
where status in ('processing', 'open') and created_at + (request ->> 'expires_in')::int * interval '1 second' < $1
order by random() limit $2`, before, limit)
	return ids, interpret("list overdue checkouts", err)
}

// moveCheckout changes a checkout, if it still stands where the change begins, and returns it as it stands.
func (s *Store) moveCheckout(ctx context.Context, doing, id, statement string, args ...any) (payment.Checkout, error) {
	if _, err := s.pool.Exec(ctx, statement, append([]any{id}, args...)...); err != nil {
		return payment.Checkout{}, interpret(doing, err)
	}
	return s.Checkout(ctx, id)
}

// mayPayCheckout says whether an answer may pay the payment's checkout: the provider knows the payment by another reference than its own id.
func mayPayCheckout(id string, state payment.ProviderState) bool {
	return state.Reference != "" && state.Reference != id && state.Status.MayHaveRefunds()
}

// payCheckout pays the checkout that a payment was an attempt at, when the payment comes to have money, and tells of it. If another payment
// has paid it already, this one is a second one, and its money goes back if the client app wants that. The payment's row is locked, and then
// the checkout's: of two payments at one time, one is first. A payment that is applied again has no event, and changes nothing.
func (b *refundBooks) payCheckout(ctx context.Context, tx pgx.Tx, m Move, at time.Time) (*payment.EventCheckout, error) {
	p := b.payment
	if p.CheckoutID == "" || m.Event == nil || m.From.MayHaveRefunds() || !p.Status.MayHaveRefunds() || p.Status == payment.Refunded {
		return nil, nil
	}
	rows, _ := tx.Query(ctx, selectCheckout+`where id = $1 for update`, p.CheckoutID)
	found, err := pgx.CollectRows(rows, scanCheckout)
	if err != nil || len(found) == 0 {
		return nil, err // a lost row is written anew by the checkout's run, and the payment is its own record
	}
	c := found[0]
	e := &payment.EventCheckout{ID: c.ID, Change: payment.CheckoutWasPaid, PaidBy: cmp.Or(c.PaidBy, p.ID)}
	switch {
	case c.PaidBy == "":
		_, err = tx.Exec(ctx, `update checkouts set status = $2, paid_by = $3, updated_at = $4, event_due_at = null where id = $1`, c.ID, payment.CheckoutPaid, p.ID, at)
	case c.PaidBy == p.ID:
		return nil, nil
	default:
		e.Change, e.Refunded = payment.CheckoutWasPaidTwice, c.RefundDuplicates && payment.Refund.PossibleFor(p.Status)
	}
	if err != nil {
		return nil, err
	}
	if err := tell(ctx, tx, &b.payment, payment.EventData{Checkout: e, Surprising: e.Surprising()}, at); err != nil {
		return nil, err
	}
	if e.Refunded {
		return e, b.askBack(ctx, tx, payment.DuplicateRefund(), "paid twice", at)
	}
	return e, nil
}

// TakeExpired gives the caller expired checkouts that no event has told of yet, the longest due first, for the length of OutboxLease. One that is
// paid is told of by the payment's event alone.
func (s *Store) TakeExpired(ctx context.Context, limit int) ([]payment.Checkout, error) {
	list, err := readRows(ctx, s.pool, scanCheckout, `
with due as (
    select id from checkouts where event_due_at <= now() and status = 'expired' order by event_due_at limit $1 for update skip locked
), taken as (
    update checkouts c set event_due_at = now() + $2::interval from due d where c.id = d.id
)`+selectCheckout+`where id in (select id from due)`, limit, OutboxLease)
	return list, interpret("take expired checkouts", err)
}

// ToldExpired stores that events have told of expired checkouts. A second call changes nothing.
func (s *Store) ToldExpired(ctx context.Context, ids []string) error {
	_, err := s.pool.Exec(ctx, `update checkouts set event_due_at = null where id = any($1)`, ids)
	return interpret("store which expired checkouts were told of", err)
}

// ToldLater puts off the event of an expired checkout that some subscriber's queue did not take: by as long as it has expired already, and at least
// by the gap. A day after the checkout's end it is given up. A second call puts it off once more.
func (s *Store) ToldLater(ctx context.Context, id string, gap time.Duration) (givenUp bool, err error) {
	err = s.pool.QueryRow(ctx, `
update checkouts set event_due_at = case when updated_at > now() - interval '1 day' then now() + greatest($2::interval, now() - updated_at) end
where id = $1 and event_due_at is not null
returning event_due_at is null`, id, gap).Scan(&givenUp)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // it is paid meanwhile
	}
	return givenUp, interpret("put off the event of checkout "+id, err)
}
