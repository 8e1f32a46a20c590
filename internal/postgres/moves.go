package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Move is the outcome of an attempt to move a payment.
type Move struct {
	Event  *payment.Event // the event that was written; nil when there was nothing new
	Status payment.Status // where the payment stands now
	From   payment.Status // where it stood before
	Sinks  []Sink         // of that event; the caller delivers it to them at once
	// Payment is the whole payment as it is now.
	Payment payment.Payment
	// Pending are the refunds that have not ended, if Refunds says that there are some or that the provider's answer had refunds.
	Refunds bool
	Pending []payment.PendingRefund
	// Checkout is what the move has done to the payment's checkout; nil: nothing.
	Checkout *payment.EventCheckout
}

// batcher is a pool or a transaction.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// applyState moves a payment to the provider's state if that is newer, as payment.Payment.Outdated defines it, and
// writes an event when something changes. The row is locked first, so that the event's number and its
// content are right under any concurrency. Money that has come too late and is to be given back is taken only together with the
// request for its refund (@asks_back).
const applyState = `
with before as (
    select id, client_id, method_type, created_at, status, version, amount_refunded, fee, provider_payment_id, provider_updated_at, late_payment,
           payer ->> 'notify_by' = 'email' as by_email, coalesce((method ->> 'overpaid')::bigint, 0) < @overpaid as overpaid
    from payments
    where id = @id
    for update
), newer as (
    select id, status as from_status, version + 1 as seq, by_email, overpaid,
           status <> @status or amount_refunded <> @refunded or provider_payment_id <> @provider_payment_id or overpaid as changed
    from before
    where (@asks_back or not (@status = 'approved' and late_payment = 'refund' and status = any(@unpaid))) and (
       provider_updated_at is null or provider_updated_at < @provider_updated_at
       or @looked and provider_updated_at = @provider_updated_at and (
              amount_refunded < @refunded and status = any(@origins) or amount_refunded = @refunded and status = any(@before)
              or amount_refunded = @refunded and status = @status and fee is distinct from coalesce(@fee::bigint, fee)))
), moved as (
    update payments p
    set status = @status, amount_refunded = @refunded, failure = '', failure_code = @failure_code,
        -- An end of ours, which the client app was given, stays. All others are the provider's, and go with its answer.
        method = case when p.method_type <> all(@kept_ends) then p.method - 'expires_at' - case when @status = 'pending' then '' else 'challenge' end || @method::jsonb
                      when p.method ? 'expires_at' then p.method || (@method::jsonb - 'expires_at')
                      else p.method || @method::jsonb end,
        provider_payment_id = @provider_payment_id, provider_status = @provider_status,
        provider_status_detail = @provider_status_detail, provider_updated_at = @provider_updated_at,
        -- What an answer does not say stays as it is known. The ledger's triggers post what follows.
        amount_captured = coalesce(@captured::bigint, p.amount_captured),
        fee = coalesce(@fee::bigint, p.fee), money_release_at = coalesce(@money_release_at::timestamptz, p.money_release_at),
        version = case when n.changed then n.seq else p.version end,
        updated_at = case when n.changed then @at else p.updated_at end
    from newer n
    where p.id = n.id
), done as (
    -- A charge with a failure is a card that was rejected on the pay page before this one. A capture whose answer was lost ends here: the sum that was captured says whether it was that one.
    update operations o set updated_at = @at,
        outcome = case when o.kind = @operation or o.amount = @captured::bigint then 'done' else 'refused' end
    from newer n
    where o.payment_id = n.id and (o.kind = @operation and o.outcome <> 'done' and o.failure = '' or o.kind = @capture and o.outcome = 'asked' and @status <> 'authorized')
), written as (
    insert into payment_events (payment_id, seq, status, data, at)
    select id, seq, @status,
           @data::jsonb || case when from_status = any(@known) or from_status = @status then '{}'::jsonb
                                when @status = 'approved' and from_status = any(@unpaid) then '{"late": true}'::jsonb
                                else '{"surprising": true}'::jsonb end
                        || case when overpaid or @slip_fault then '{"surprising": true}'::jsonb else '{}'::jsonb end,
           @at
    from newer
    where changed
    returning seq, data
), event as (
    select id, seq, by_email from newer where changed
), undelivered as (` + outboxed + `
)
select b.client_id, b.method_type, b.created_at, b.status, w.seq, w.data, (select array_agg(sink) from undelivered)
from before b left join written w on true`

// Apply brings a payment to the provider's answer to a creation. One that is not newer than the last changes nothing; an equal
// answer applied twice writes one event. If the payment had ended unpaid and the client app wants such money to be given back, it asks for
// the refund in the same transaction. The row alone decides about that: a run may not know of the end, because the workflow task that has
// stored it may be lost.
func (s *Store) Apply(ctx context.Context, id string, state payment.ProviderState, at time.Time) (Move, error) {
	return s.applyAnswer(ctx, id, state, false, at)
}

// ApplyLook brings a payment to what the provider says now, which counts also when it has the same time as the last answer and
// further in the payment's life, or says another fee.
func (s *Store) ApplyLook(ctx context.Context, id string, state payment.ProviderState, at time.Time) (Move, error) {
	return s.applyAnswer(ctx, id, state, true, at)
}

// ApplyFound brings a payment to what the provider says of the charge that an operator has found, and writes the audit with it. Doing it
// again changes nothing.
func (s *Store) ApplyFound(ctx context.Context, id string, state payment.ProviderState, e audit.Entry, at time.Time) (Move, error) {
	args := answerArgs(id, state, true, at)
	args["data"] = answerData(state, e.Actor.Name, e.Reason)
	e.Before = audit.Values{"status": string(payment.Unknown)}
	e.After = audit.Values{"status": string(state.Status), "provider_payment_id": state.PaymentID}
	return s.move(ctx, s.pool, "apply the found charge to payment "+id, applyState, id, state.Status, at, args, e)
}

func (s *Store) applyAnswer(ctx context.Context, id string, state payment.ProviderState, looked bool, at time.Time) (Move, error) {
	const doing = "apply the provider's answer to payment "
	args := answerArgs(id, state, looked, at)
	if len(state.Refunds) == 0 && !mayPayCheckout(id, state) {
		args["asks_back"] = false
		m, err := s.move(ctx, s.pool, doing+id, applyState, id, state.Status, at, args)
		if err != nil || !(state.Status == payment.Approved && m.From.EndedUnpaid() && m.Payment.LatePayment == payment.RefundLate) {
			return m, err
		}
		args["asks_back"] = true
	}
	var m Move
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if m, err = s.move(ctx, tx, doing+id, applyState, id, state.Status, at, args); err != nil {
			return err
		}
		books, err := lockRefunds(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := books.recognize(ctx, tx, state.Refunds, at); err != nil {
			return err
		}
		if !books.payment.Provider.UpdatedAt.After(state.UpdatedAt) { // else the refunds of an old answer are old, too
			if err := books.take(ctx, tx, state.Refunds, at); err != nil {
				return err
			}
		}
		if m.Event != nil && m.Event.Data.Late && m.Payment.LatePayment == payment.RefundLate {
			if err := books.askLate(ctx, tx, at); err != nil {
				return err
			}
		}
		if m.Checkout, err = books.payCheckout(ctx, tx, m, at); err != nil {
			return err
		}
		m.Payment, m.Refunds, m.Pending = books.payment, true, books.open()
		return nil
	})
	if _, known := errors.AsType[*failure.Error](err); known {
		return m, err
	}
	if err == nil && m.Checkout.Surprising() {
		s.metrics.surprised(m.Status)
	}
	return m, interpret(doing+id, err)
}

// instructionsOf are those of an answer. What it does not have stays as it is in the database.
func instructionsOf(state payment.ProviderState) payment.Instructions {
	in := payment.Instructions{
		ExpiresAt: state.ExpiresAt, QRCode: state.QRCode, TicketURL: state.TicketURL, EndToEndID: state.EndToEndID, LastFour: state.LastFour, Chosen: state.Chosen,
		DigitableLine: state.Slip.Line, Barcode: state.Slip.Barcode, AmountPaid: state.AmountPaid, Overpaid: state.Overpaid,
	}
	if c := state.Challenge; c != nil && c.URL != "" {
		in.Challenge = c
	}
	return in
}

func answerArgs(id string, state payment.ProviderState, looked bool, at time.Time) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": id, "status": state.Status, "refunded": state.Refunded, "method": instructionsOf(state),
		"provider_payment_id": state.PaymentID, "provider_status": state.RawStatus,
		"provider_status_detail": state.StatusDetail, "provider_updated_at": state.UpdatedAt, "asks_back": true,
		"known": state.Status.From(), "unpaid": payment.EndedUnpaid(), "at": at,
		"overpaid": state.Overpaid, "kept_ends": payment.KeptEnds(), "slip_fault": state.Slip.Fault != "", "looked": looked, "origins": state.Status.Origins(), "before": state.Status.Before(),
		"data": answerData(state, "", ""), "failure_code": state.FailureCode, "fee": state.Fee, "captured": sum(state.Captured), "money_release_at": known(state.ReleaseAt),
	}
}

// answerData is the event of a provider's answer, which an operator may have brought about.
func answerData(state payment.ProviderState, actor, reason string) payment.EventData {
	return payment.EventData{
		ProviderPaymentID: state.PaymentID, ProviderStatus: state.RawStatus, StatusDetail: state.StatusDetail,
		EndToEndID: state.EndToEndID, Amount: state.Money.Centavos, AmountCaptured: state.Captured, AmountRefunded: state.Refunded, Overpaid: state.Overpaid, FailureCode: state.FailureCode, Actor: actor, Reason: reason,
	}
}

// giveUp moves a payment for which the provider has not answered. After an answer, only the provider's state counts.
const giveUp = givenUp + backAndEvent

const givenUp = `
with before as (
    select id, client_id, method_type, created_at, status, amount, version, provider_updated_at,
           payer ->> 'notify_by' = 'email' as by_email
    from payments
    where id = @id
    for update
), moved as (
    update payments p
    set status = @status, failure = @failure, failure_code = @failure_code, version = b.version + 1, updated_at = @at
    from before b
    where p.id = b.id and b.provider_updated_at is null and b.status = any(@known)
    returning p.id, p.version as seq, b.amount, b.by_email
), done as (
    update operations set outcome = @outcome, updated_at = @at
    where payment_id = @id and kind = @operation and failure = '' and exists (select from moved)
), written as (
    insert into payment_events (payment_id, seq, status, data, at)
    select @id, seq, @status, @data::jsonb || jsonb_build_object('amount', amount), @at from moved
    returning seq, data
), event as (
    select id, seq, by_email from moved
), undelivered as (` + outboxed + `
)`

const backAndEvent = `
select b.client_id, b.method_type, b.created_at, b.status, w.seq, w.data, (select array_agg(sink) from undelivered)
from before b left join written w on true`

// settle is giveUp as an operator's decision, which goes into the audit in the same statement.
const settle = givenUp + `, decided as (
    insert into audit (id, actor, channel, origin, action, object, reason, before, after)
    select @audit_id, @actor, @channel, @origin, @action, 'payment/' || @id, @reason,
        jsonb_build_object('status', status), jsonb_build_object('status', @status::text)
    from before where exists (select from moved)
    on conflict (id) do nothing
)` + backAndEvent

// Fail stores that the provider refused the charge before any money could move.
func (s *Store) Fail(ctx context.Context, id string, code failure.Code, why string, at time.Time) (Move, error) {
	return s.giveUp(ctx, id, payment.Failed, "refused", cmp.Or(code, failure.CodeRefused), why, at)
}

// Park stores that the provider's answer is lost: the payment may or may not have been charged.
func (s *Store) Park(ctx context.Context, id, why string, at time.Time) (Move, error) {
	return s.giveUp(ctx, id, payment.Unknown, "unknown", failure.CodeUnknown, why, at)
}

// settled is the failure that client apps see after an operator has settled a payment as failed.
const settled = "settled by an operator: the provider has no charge of it"

// Settle stores that an operator has decided that an unknown payment has failed, and why. Doing it again changes nothing.
func (s *Store) Settle(ctx context.Context, id string, e audit.Entry, at time.Time) (Move, error) {
	return s.decide(ctx, id, e, decision{payment.Unknown, payment.Failed, "settled", settled, failure.CodeNotCharged}, at)
}

// What client apps see after an operator has given up a charge.
const (
	givenUpUnknown = "given up by an operator: the provider's answer is not known"
	givenUpUnsent  = "given up by an operator before the charge was sent"
)

// GiveUp stores that an operator has ended the attempts to charge a payment: it is unknown, or failed when no charge was sent. Doing it
// again changes nothing. maySent says that a charge may have been sent which this database does not know of.
func (s *Store) GiveUp(ctx context.Context, id string, e audit.Entry, maySent bool, at time.Time) (Move, error) {
	if !maySent {
		err := s.pool.QueryRow(ctx, `select sent_at is not null from operations where payment_id = $1 and kind = $2 order by number desc limit 1`,
			id, payment.Charge).Scan(&maySent)
		if err != nil {
			return Move{}, interpret("read whether the charge of payment "+id+" was sent", err)
		}
	}
	d := decision{payment.Processing, payment.Failed, "refused", givenUpUnsent, failure.CodeNotCharged}
	if maySent {
		d = decision{payment.Processing, payment.Unknown, "unknown", givenUpUnknown, failure.CodeUnknown}
	}
	return s.decide(ctx, id, e, d, at)
}

// decision is an operator's move of a payment for which the provider has not answered.
type decision struct {
	from, to payment.Status
	outcome  string // of the charge
	failure  string // for client apps
	code     failure.Code
}

func (s *Store) decide(ctx context.Context, id string, e audit.Entry, d decision, at time.Time) (Move, error) {
	return s.move(ctx, s.pool, string(e.Action)+" "+id, settle, id, d.to, at, pgx.NamedArgs{
		"id": id, "status": d.to, "failure": d.failure, "failure_code": d.code, "outcome": d.outcome, "known": []payment.Status{d.from}, "at": at,
		"data":     payment.EventData{Failure: d.failure, FailureCode: d.code, Actor: e.Actor.Name, Reason: e.Reason},
		"audit_id": cmp.Or(e.ID, uuid.NewString()), "actor": e.Actor.Name, "channel": e.Actor.Channel, "origin": e.Actor.From, "action": e.Action, "reason": e.Reason,
	})
}

func (s *Store) giveUp(ctx context.Context, id string, to payment.Status, outcome string, code failure.Code, why string, at time.Time) (Move, error) {
	return s.move(ctx, s.pool, "move payment "+id+" to "+string(to), giveUp, id, to, at, pgx.NamedArgs{
		"id": id, "status": to, "failure": why, "failure_code": code, "outcome": outcome, "known": to.From(), "at": at,
		"data": payment.EventData{Failure: why, FailureCode: code},
	})
}

func (s *Store) move(ctx context.Context, in batcher, doing, statement, id string, to payment.Status, at time.Time, args pgx.NamedArgs, entries ...audit.Entry) (Move, error) {
	var clientID string
	var method payment.MethodType
	var created time.Time
	var status payment.Status
	var seq *int
	var sinks []Sink
	var data *payment.EventData
	args["sinks"], args["lease"], args["operation"], args["capture"] = sinksOf(to), OutboxLease, payment.Charge, payment.Capture
	var batch pgx.Batch
	batch.Queue(statement, args).QueryRow(func(row pgx.Row) error {
		return row.Scan(&clientID, &method, &created, &status, &seq, &data, &sinks)
	})
	var p payment.Payment
	batch.Queue(selectPayment+`where id = $1`, id).Query(func(rows pgx.Rows) (err error) {
		p, err = pgx.CollectExactlyOneRow(rows, scanPayment)
		return err
	})
	var refunds refundBooks // a run may not know of one: the workflow task that has stored it may be lost
	if to.MayHaveRefunds() {
		batch.Queue(selectOperations+` and kind = $2`+inOrder, id, payment.Refund).Query(func(rows pgx.Rows) (err error) {
			refunds.refunds, err = pgx.CollectRows(rows, scanOperation)
			return err
		})
	}
	batch.Queue(resolveDeadLetters, pgx.NamedArgs{"id": id, "unknown": payment.Unknown, "by": onlyWave})
	for _, e := range entries {
		batch.Queue(insertAudit, auditArgs(e))
	}
	// One round trip and one transaction: a reader that sees the move also sees the dead letter resolved.
	if err := in.SendBatch(ctx, &batch).Close(); err != nil {
		return Move{}, interpret(doing, err)
	}
	m := Move{Status: status, From: status, Payment: p, Pending: refunds.open()}
	m.Refunds = len(m.Pending) > 0
	if seq == nil {
		return m, nil
	}
	news, _ := args["provider_updated_at"].(time.Time) // only the provider's own answer has it
	s.metrics.moved(method, status, to, created, news, at)
	if data.Surprising {
		s.metrics.surprised(to)
	}
	if status != to {
		s.metrics.failed(data.FailureCode)
	}
	m.Status, m.Sinks = to, sinks
	m.Event = &payment.Event{PaymentID: id, ClientID: clientID, Seq: *seq, Status: to, Data: *data, At: at}
	return m, nil
}

// sum is null for a sum that the answer does not have.
func sum(centavos int64) *int64 {
	if centavos == 0 {
		return nil
	}
	return &centavos
}
