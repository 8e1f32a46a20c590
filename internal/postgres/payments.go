package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// openPayment names no conflict target: two inserts of one payment at once may meet on either unique
// index, and on one that is not named the later would fail.
const openPayment = `
with opened as (
    insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, description, reference,
                          method_type, method, payer, payer_email_index, metadata, provider, provider_api, provider_payment_id, checkout_id, late_payment, version, created_at, updated_at)
    values (@id, @client_id, @idempotency_key, @fingerprint, @status, @amount, @currency, @description, @reference,
            @method_type, @method, @payer, @payer_email_index, @metadata, @provider, @provider_api, @provider_payment_id, @checkout_id, @late_payment, 1, @created_at, @updated_at)
    on conflict do nothing
    returning id
), asked as (
    insert into operations (provider_key, payment_id, kind, number, amount, created_at, updated_at)
    select @provider_key, id, @operation, 1, @amount, @created_at, @updated_at from opened where @charged
), written as (
    insert into payment_events (payment_id, seq, status, data, at)
    select id, 1, @status, @data, @created_at from opened
), event as (
    select id, 1 as seq, @payer::jsonb ->> 'notify_by' = 'email' as by_email from opened
)` + outboxed

// awaitReplica is acknowledged when all that was written before is where a synchronous replica keeps it. It is a message in the
// log, which is not read.
const awaitReplica = `select pg_logical_emit_message(true, 'onlywave', '')`

// OpenPayment writes a new payment, the charge it is about to ask for and its first event, which the caller delivers to
// ToSubscribers at once. It was asked for at CreatedAt and is written at UpdatedAt, which counts as CreatedAt when it is earlier.
// When the payment is already there nothing changes. Either way the result is the payment as it stands, and written says whether
// this call has written it; kind Conflict when another payment has its idempotency key.
func (s *Store) OpenPayment(ctx context.Context, p payment.Payment) (stands payment.Payment, written bool, err error) {
	if p.UpdatedAt.Before(p.CreatedAt) {
		p.UpdatedAt = p.CreatedAt
	}
	tag, err := s.pool.Exec(ctx, openPayment, pgx.NamedArgs{
		"id": p.ID, "client_id": p.ClientID, "idempotency_key": p.IdempotencyKey, "fingerprint": p.Fingerprint,
		"status": p.Status, "amount": p.Amount.Centavos, "currency": p.Amount.Currency,
		"description": p.Description, "reference": p.Reference, "method_type": p.Method.Type, "method": payment.MethodRecord{Method: p.Method, Instructions: p.Instructions},
		"payer": p.Payer, "payer_email_index": s.emailKeys.Index(p.Payer.Email), "metadata": metadata(p.Metadata), "provider": p.Provider.Name, "provider_api": p.Provider.API, "provider_payment_id": p.Provider.PaymentID, "checkout_id": nullID(p.CheckoutID), "late_payment": p.LatePayment, "created_at": p.CreatedAt, "updated_at": p.UpdatedAt,
		"provider_key": payment.ProviderKey(p.ID, payment.Charge, 1), "operation": payment.Charge, "charged": p.Status == payment.Processing,
		"data": payment.EventData{Amount: p.Amount.Centavos}, "sinks": sinksOf(p.Status), "lease": OutboxLease,
	})
	if err != nil {
		return payment.Payment{}, false, interpret("open payment "+p.ID, err)
	}
	if tag.RowsAffected() == 1 {
		p.Version = 1
		s.metrics.opened(p.Method.Type)
		return p, true, nil
	}
	// The stored row may be on the primary only, if a call was interrupted while it waited for the replica.
	if _, err := s.pool.Exec(ctx, awaitReplica); err != nil {
		return payment.Payment{}, false, interpret("open payment "+p.ID+" again", err)
	}
	stands, err = s.Payment(ctx, p.ID)
	if failure.KindOf(err) == failure.NotFound {
		err = &failure.Error{Kind: failure.Conflict, Message: "the idempotency key belongs to another payment", Err: err}
	}
	return stands, false, err
}

// metadata is never null in the database: none is an empty object.
func metadata(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

const selectPayment = `
select id, client_id, idempotency_key, fingerprint, status, amount, currency, amount_refunded, description, reference,
       method, payer, metadata, provider, provider_api, provider_payment_id, provider_status, provider_status_detail,
       provider_updated_at, failure, failure_code, version, created_at, updated_at, late_payment, coalesce(amount_captured, 0), coalesce(checkout_id::text, '')
from payments `

// Payment reads one payment; kind NotFound when there is none.
func (s *Store) Payment(ctx context.Context, id string) (payment.Payment, error) {
	p, err := readRow(ctx, s.pool, scanPayment, selectPayment+`where id = $1`, id)
	return p, interpret("read payment "+id, err)
}

// PaymentByProvider finds the payment that a provider knows under an ID; kind NotFound when there is none.
func (s *Store) PaymentByProvider(ctx context.Context, provider, providerPaymentID string) (payment.Payment, error) {
	p, err := readRow(ctx, s.pool, scanPayment, selectPayment+`where provider = $1 and provider_payment_id = $2 and provider_payment_id <> ''`,
		provider, providerPaymentID)
	return p, interpret("read the payment of "+provider+"'s "+providerPaymentID, err)
}

// PaymentByEndToEnd finds the payment whose Pix has this end-to-end id; kind NotFound when there is none.
func (s *Store) PaymentByEndToEnd(ctx context.Context, endToEndID string) (payment.Payment, error) {
	p, err := readRow(ctx, s.pool, scanPayment, selectPayment+`where method ->> 'end_to_end_id' = $1 limit 1`, endToEndID)
	return p, interpret("read the payment of the Pix "+endToEndID, err)
}

// Payments lists a client app's payments, newest first, as the filter says. It may come from the replica; age says how old it
// is at most.
func (s *Store) Payments(ctx context.Context, f payment.Filter) (found []payment.Payment, age time.Duration, err error) {
	where, args := paymentConditions(f)
	args["client_id"] = f.ClientID
	return list(ctx, s, "list payments", selectPayment+`where client_id = @client_id`+where+` order by created_at desc, id desc limit @limit`, args, scanPayment)
}

// PaymentsOfAll lists the payments of all client apps, newest first, for operators; the filter's ClientID does not count. It
// takes the newest of each client, which an index has, and of those the newest.
func (s *Store) PaymentsOfAll(ctx context.Context, f payment.Filter) ([]payment.Payment, error) {
	where, args := paymentConditions(f)
	list, err := readRows(ctx, s.pool, scanPayment, selectPayment+`where id in (
    select newest.id
    from clients c cross join lateral (
        select id, created_at from payments where client_id = c.id`+where+` order by created_at desc, id desc limit @limit) newest
    order by newest.created_at desc, newest.id desc limit @limit)
order by created_at desc, id desc`, args)
	return list, interpret("list the payments of all", err)
}

// paymentConditions is the filter as SQL, without the client.
func paymentConditions(f payment.Filter) (where string, args pgx.NamedArgs) {
	args = pgx.NamedArgs{"limit": f.Limit}
	and := func(condition, name string, value any) {
		where += " and " + condition
		args[name] = value
	}
	if f.Status != "" {
		and("status = @status", "status", f.Status)
	}
	if f.Method != "" {
		and("method_type = @method_type", "method_type", f.Method)
	}
	if f.Reference != "" {
		and("reference = @reference and reference <> ''", "reference", f.Reference)
	}
	if f.CheckoutID != "" {
		and("checkout_id = @checkout_id", "checkout_id", f.CheckoutID)
	}
	if !f.CreatedFrom.IsZero() {
		and("created_at >= @created_from", "created_from", f.CreatedFrom)
	}
	if !f.CreatedTo.IsZero() {
		and("created_at < @created_to", "created_to", f.CreatedTo)
	}
	if f.After.ID != "" {
		and("(created_at, id) < (@after_at, @after_id)", "after_at", f.After.CreatedAt)
		args["after_id"] = f.After.ID
	}
	return where, args
}

func scanPayment(row pgx.CollectableRow) (payment.Payment, error) {
	var p payment.Payment
	var providerUpdatedAt *time.Time
	var method payment.MethodRecord
	err := row.Scan(&p.ID, &p.ClientID, &p.IdempotencyKey, &p.Fingerprint, &p.Status, &p.Amount.Centavos, &p.Amount.Currency,
		&p.Refunded, &p.Description, &p.Reference, &method, &p.Payer, &p.Metadata,
		&p.Provider.Name, &p.Provider.API, &p.Provider.PaymentID, &p.Provider.Status, &p.Provider.StatusDetail,
		&providerUpdatedAt, &p.Failure, &p.FailureCode, &p.Version, &p.CreatedAt, &p.UpdatedAt, &p.LatePayment, &p.Captured, &p.CheckoutID)
	p.Method, p.Instructions = method.Method, method.Instructions
	if providerUpdatedAt != nil {
		p.Provider.UpdatedAt = providerUpdatedAt.UTC()
	}
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	if len(p.Metadata) == 0 {
		p.Metadata = nil // as it was asked for
	}
	return p, err
}
