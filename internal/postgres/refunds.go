package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Refunds lists the refunds of a payment, oldest first.
func (s *Store) Refunds(ctx context.Context, paymentID string) ([]payment.OperationRecord, error) {
	list, err := readRows(ctx, s.pool, scanOperation, selectOperations+` and kind = $2`+inOrder, paymentID, payment.Refund)
	return list, interpret("list the refunds of payment "+paymentID, err)
}

// Refund reads one refund of a payment; kind NotFound when there is none.
func (s *Store) Refund(ctx context.Context, paymentID, id string) (payment.OperationRecord, error) {
	o, err := readRow(ctx, s.pool, scanOperation, selectOperations+` and kind = $2 and provider_key = $3`, paymentID, payment.Refund, id)
	return o, interpret("read refund "+id, err)
}

// AskRefund stores that a refund is asked for, with its event and its entry in the audit, before the provider is asked. One that is stored
// already does not change, and is returned as it stands. Errors: Conflict when the payment's status forbids a refund, or the key was used for
// another one; Invalid when the sum of the refunds would be larger than the payment; NotFound when there is no such payment.
//
// With restored, the row of this refund may have been lost in a restore of the database, and the refund then taken for one of the panel.
// Such a refund of the same amount is taken for this one, since giving the money back twice would be worse.
func (s *Store) AskRefund(ctx context.Context, paymentID string, r payment.RefundRequest, restored bool, e audit.Entry, at time.Time) (refund payment.OperationRecord, p payment.Payment, err error) {
	id := payment.RefundID(paymentID, r.IdempotencyKey)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		books, err := lockRefunds(ctx, tx, paymentID)
		if err != nil {
			return err
		}
		if made, found := books.madeBefore(id, r); restored && found {
			refund, err = books.adopt(ctx, tx, books.asked(id, r, made.Amount, at), made, e, at)
			return err
		}
		if refund, err = books.ask(id, r, at); err != nil || refund.Outcome != "" {
			return err
		}
		return books.store(ctx, tx, &refund, e, at)
	})
	if _, known := errors.AsType[*failure.Error](err); known {
		return refund, p, err
	}
	if err == nil {
		p, err = s.Payment(ctx, paymentID)
	}
	return refund, p, interpret("ask for a refund of payment "+paymentID, err)
}

// refundBooks are a payment's refunds and what they leave, while its row is locked.
type refundBooks struct {
	payment payment.Payment
	refunds []payment.OperationRecord
	numbers int // of refunds so far
}

func lockRefunds(ctx context.Context, tx pgx.Tx, paymentID string) (b refundBooks, err error) {
	rows, _ := tx.Query(ctx, selectPayment+`where id = $1 for update`, paymentID) // rows know the error, too
	if b.payment, err = pgx.CollectExactlyOneRow(rows, scanPayment); err != nil {
		return b, err
	}
	rows, _ = tx.Query(ctx, selectOperations+` and kind = $2`+inOrder, paymentID, payment.Refund)
	b.refunds, err = pgx.CollectRows(rows, scanOperation)
	b.numbers = len(b.refunds)
	return b, err
}

// ask is the refund that a request asks for: one that is there already, or a new one without an outcome.
func (b refundBooks) ask(id string, r payment.RefundRequest, at time.Time) (payment.OperationRecord, error) {
	for _, known := range b.refunds {
		if known.ProviderKey != id {
			continue
		}
		if known.Fingerprint != r.Fingerprint() {
			return known, &failure.Error{Kind: failure.Conflict, Message: "the idempotency key was used for another refund"}
		}
		return known, nil
	}
	if !payment.Refund.PossibleFor(b.payment.Status) {
		return payment.OperationRecord{}, &failure.Error{
			Kind: failure.Conflict, Message: "the payment is " + string(b.payment.Status) + "; only an approved payment can be refunded",
		}
	}
	left := b.left()
	amount := r.Amount
	if r.All {
		amount = left
	}
	if amount <= 0 || amount > left {
		return payment.OperationRecord{}, &failure.Error{
			Kind: failure.Invalid, Message: fmt.Sprintf("must be at most %d centavos, which is what is left of the payment", left),
		}
	}
	return b.asked(id, r, amount, at), nil
}

// asked is the row of a new refund, without an outcome.
func (b refundBooks) asked(id string, r payment.RefundRequest, amount int64, at time.Time) payment.OperationRecord {
	return payment.OperationRecord{
		ProviderKey: id, Kind: payment.Refund, Number: b.numbers + 1, Amount: amount, CreatedAt: at, UpdatedAt: at,
		IdempotencyKey: r.IdempotencyKey, Origin: r.Origin, Reason: r.Reason, Metadata: r.Metadata, Fingerprint: r.Fingerprint(),
	}
}

// madeBefore is the provider's answer to a refund whose row was lost, if it may be one that was taken for a refund of the panel. A refund of
// all has left nothing.
func (b refundBooks) madeBefore(id string, r payment.RefundRequest) (made payment.ProviderRefund, found bool) {
	for _, known := range b.refunds {
		same := known.Amount == r.Amount || r.All && b.left() == 0
		switch {
		case known.ProviderKey == id:
			return made, false // its row is there
		case known.Origin == payment.FromProvider && known.Outcome != payment.OutcomeRefused && same:
			made, found = payment.ProviderRefund{ID: known.ProviderID, Amount: known.Amount, Outcome: known.Outcome, AnswerTo: id}, true
		}
	}
	return made, found
}

// adopt writes a refund that the provider has made before.
func (b *refundBooks) adopt(ctx context.Context, tx pgx.Tx, r payment.OperationRecord, made payment.ProviderRefund, e audit.Entry, at time.Time) (payment.OperationRecord, error) {
	if err := b.store(ctx, tx, &r, e, at); err != nil {
		return r, err
	}
	b.refunds = append(b.refunds, r)
	err := b.recognize(ctx, tx, []payment.ProviderRefund{made}, at)
	return b.refunds[len(b.refunds)-1], err
}

// store writes a refund that is asked for, with its event and its entry in the audit.
func (b *refundBooks) store(ctx context.Context, tx pgx.Tx, r *payment.OperationRecord, e audit.Entry, at time.Time) error {
	r.Outcome = payment.OutcomeAsked
	if err := insertOperation(ctx, tx, b.payment.ID, *r); err != nil {
		return err
	}
	if err := b.tell(ctx, tx, *r, at); err != nil {
		return err
	}
	e.After = audit.Values{"refund": r.ProviderKey, "amount": fmt.Sprint(r.Amount)}
	return writeAudit(ctx, tx, e)
}

// askLate asks for the refund of a payment whose buyer has paid too late, unless it was refunded meanwhile.
func (b *refundBooks) askLate(ctx context.Context, tx pgx.Tx, at time.Time) error {
	return b.askBack(ctx, tx, payment.LateRefund(), "late payment", at)
}

// askBack asks for the refund of all that is left of a payment, by nobody's order but the client app's with its request.
func (b *refundBooks) askBack(ctx context.Context, tx pgx.Tx, request payment.RefundRequest, why string, at time.Time) error {
	id := payment.RefundID(b.payment.ID, request.IdempotencyKey)
	r, err := b.ask(id, request, at)
	if err != nil || r.Outcome != "" {
		return ignoreRefusal(err)
	}
	b.refunds = append(b.refunds, r)
	stored := &b.refunds[len(b.refunds)-1]
	return b.store(ctx, tx, stored, audit.Entry{
		ID: payment.NewAuditID(why + "\x00" + b.payment.ID), Actor: audit.Actor{Name: onlyWave, Channel: audit.Workflow},
		Action: audit.PaymentRefund, Object: "payment/" + b.payment.ID, Reason: request.Reason,
	}, at)
}

// ignoreRefusal is nil for a refusal: somebody has refunded the payment in the provider's panel.
func ignoreRefusal(err error) error {
	switch failure.KindOf(err) {
	case failure.Conflict, failure.Invalid:
		return nil
	}
	return err
}

// left is how many centavos can still be refunded: what has not ended counts as refunded.
func (b refundBooks) left() int64 {
	var done, open int64
	for _, r := range b.refunds {
		switch {
		case r.Outcome == payment.OutcomeDone:
			done += r.Amount
		case !r.Outcome.Ended():
			open += r.Amount
		}
	}
	return b.payment.Refundable() - max(done, b.payment.Refunded) - open
}

func insertOperation(ctx context.Context, tx pgx.Tx, paymentID string, o payment.OperationRecord) error {
	_, err := tx.Exec(ctx, `
insert into operations (provider_key, payment_id, kind, number, amount, outcome, created_at, updated_at,
                        idempotency_key, origin, reason, metadata, provider_id, failure, failure_code, fingerprint)
values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		o.ProviderKey, paymentID, o.Kind, o.Number, o.Amount, o.Outcome, o.CreatedAt,
		o.IdempotencyKey, o.Origin, o.Reason, metadata(o.Metadata), o.ProviderID, o.Failure, o.FailureCode, o.Fingerprint)
	return err
}

// tell writes the event of a refund.
func (b *refundBooks) tell(ctx context.Context, tx pgx.Tx, r payment.OperationRecord, at time.Time) error {
	return tell(ctx, tx, &b.payment, payment.EventData{
		Failure: r.Failure, FailureCode: r.FailureCode,
		Refund: &payment.EventRefund{ID: r.ProviderKey, Amount: r.Amount, Status: r.Outcome.RefundStatus(), Origin: r.Origin, FailureCode: r.FailureCode},
	}, at)
}

// EndRefund stores that the provider has refused a refund, and why. One that has ended does not change.
func (s *Store) EndRefund(ctx context.Context, paymentID, id string, code failure.Code, why string, at time.Time) (payment.Payment, []payment.PendingRefund, error) {
	var open []payment.PendingRefund
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		books, err := lockRefunds(ctx, tx, paymentID)
		if err != nil {
			return err
		}
		for i, r := range books.refunds {
			if r.ProviderKey != id || r.Outcome.Ended() {
				continue
			}
			r.Outcome, r.Failure, r.FailureCode = payment.OutcomeRefused, why, cmp.Or(code, failure.CodeRefused)
			if err := books.update(ctx, tx, i, r, at); err != nil {
				return err
			}
		}
		open = books.open()
		return nil
	})
	if err != nil {
		return payment.Payment{}, nil, interpret("end refund "+id, err)
	}
	p, err := s.Payment(ctx, paymentID)
	return p, open, interpret("read payment "+paymentID, err)
}

// update stores how a refund stands, and tells of it when it has ended otherwise than before.
func (b *refundBooks) update(ctx context.Context, tx pgx.Tx, i int, r payment.OperationRecord, at time.Time) error {
	before := b.refunds[i]
	b.refunds[i] = r
	_, err := tx.Exec(ctx, `update operations set outcome = $2, failure = $3, failure_code = $4, provider_id = $5, updated_at = $6, amount = $7
where provider_key = $1`, r.ProviderKey, r.Outcome, r.Failure, r.FailureCode, r.ProviderID, at, r.Amount)
	if err != nil || before.Outcome.RefundStatus() == r.Outcome.RefundStatus() {
		return err
	}
	return b.tell(ctx, tx, r, at)
}

func (b refundBooks) open() []payment.PendingRefund {
	var open []payment.PendingRefund
	for _, r := range b.refunds {
		if !r.Outcome.Ended() {
			open = append(open, payment.PendingRefund{ID: r.ProviderKey, Amount: r.Amount, AskedAt: r.CreatedAt, ProviderID: r.ProviderID})
		}
	}
	return open
}

// PendingRefunds lists the refunds of a payment that have not ended.
func (s *Store) PendingRefunds(ctx context.Context, paymentID string) ([]payment.PendingRefund, error) {
	refunds, err := s.Refunds(ctx, paymentID)
	return refundBooks{refunds: refunds}.open(), err
}
