package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	request := payment.LateRefund()
	id := payment.RefundID(b.payment.ID, request.IdempotencyKey)
	r, err := b.ask(id, request, at)
	if err != nil || r.Outcome != "" {
		return ignoreRefusal(err)
	}
	b.refunds = append(b.refunds, r)
	stored := &b.refunds[len(b.refunds)-1]
	return b.store(ctx, tx, stored, audit.Entry{
		ID: payment.NewAuditID("late payment\x00" + b.payment.ID), Actor: audit.Actor{Name: onlyWave, Channel: audit.Workflow},
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
	return b.payment.Amount.Centavos - max(done, b.payment.Refunded) - open
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

// tell writes the event of a refund, with the payment's next number. The relay finds it in the outbox.
func (b *refundBooks) tell(ctx context.Context, tx pgx.Tx, r payment.OperationRecord, at time.Time) error {
	b.payment.Version++
	b.payment.UpdatedAt = at
	data := payment.EventData{
		ProviderPaymentID: b.payment.Provider.PaymentID, Amount: b.payment.Amount.Centavos, AmountRefunded: b.payment.Refunded,
		Failure: r.Failure, FailureCode: r.FailureCode,
		Refund: &payment.EventRefund{ID: r.ProviderKey, Amount: r.Amount, Status: r.Outcome.RefundStatus(), Origin: r.Origin, FailureCode: r.FailureCode},
	}
	_, err := tx.Exec(ctx, `
with event as (
    update payments set version = @seq, updated_at = @at where id = @id returning id, @seq::int as seq, false as by_email
), written as (
    insert into payment_events (payment_id, seq, status, data, at) values (@id, @seq, @status, @data, @at)
)`+outboxed, pgx.NamedArgs{
		"id": b.payment.ID, "seq": b.payment.Version, "status": b.payment.Status, "data": data, "at": at,
		"sinks": []Sink{ToSubscribers}, "lease": time.Duration(0),
	})
	return err
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

// recognize notes which of our refunds the provider has answered with which of its own. That stays true however old the answer is.
func (b *refundBooks) recognize(ctx context.Context, tx pgx.Tx, shown []payment.ProviderRefund, at time.Time) error {
	for _, shows := range shown {
		i := slices.IndexFunc(b.refunds, func(r payment.OperationRecord) bool { return r.ProviderKey == shows.AnswerTo })
		if i < 0 || b.refunds[i].ProviderID == shows.ID {
			continue
		}
		r := b.refunds[i]
		r.ProviderID, r.Amount = shows.ID, shows.Amount // one of all gives back what is left, which may be less than we knew
		if j := b.index(shows.ID); j >= 0 {             // it was taken for another one, such as one of the panel
			other := b.refunds[j]
			if later(r.Outcome, other.Outcome) {
				r.Outcome = other.Outcome
			}
			other.ProviderID, other.Outcome = "", payment.OutcomeRefused
			other.Failure = "the provider's refund " + shows.ID + " is refund " + r.ProviderKey
			if err := b.update(ctx, tx, j, other, at); err != nil {
				return err
			}
		}
		if err := b.update(ctx, tx, i, r, at); err != nil {
			return err
		}
	}
	return nil
}

// take brings the refunds of a payment to what the provider shows. One that matches none of ours was made in the provider's panel.
func (b *refundBooks) take(ctx context.Context, tx pgx.Tx, shown []payment.ProviderRefund, at time.Time) error {
	pairs := b.pairs(shown)
	for n, shows := range shown {
		i, ours := pairs[n]
		switch {
		case !ours:
			if err := b.add(ctx, tx, shows, at); err != nil {
				return err
			}
			continue
		case i == undecided:
			continue
		}
		r := b.refunds[i]
		if r.ProviderID == shows.ID && !later(r.Outcome, shows.Outcome) {
			continue
		}
		r.ProviderID = shows.ID
		if later(r.Outcome, shows.Outcome) {
			r.Outcome, r.Failure, r.FailureCode = shows.Outcome, "", ""
		}
		if r.Outcome == payment.OutcomeRefused {
			r.Failure, r.FailureCode = failure.CodeRefundRejected.Message(), failure.CodeRefundRejected
		}
		if err := b.update(ctx, tx, i, r, at); err != nil {
			return err
		}
	}
	return nil
}

// later says whether an outcome can follow another one: a refund that was believed may fail, and nothing goes back to being asked for.
func later(from, to payment.Outcome) bool {
	switch from {
	case payment.OutcomeAsked, payment.OutcomeUnknown:
		return to.Ended()
	case payment.OutcomeDone:
		return to == payment.OutcomeRefused
	case payment.OutcomeRefused, payment.OutcomeSettled:
		return to == payment.OutcomeDone // it was refused too soon
	}
	return false
}

// clockSlack is how far the provider's clock may be behind ours, or ahead of it.
const clockSlack = time.Minute

// undecided stands for one of several refunds of ours.
const undecided = -1

// pairs says for each shown refund which of ours it is; one that is left out is not ours. One whose id is not known yet may be the answer to
// a refund of the same amount that was sent before. When the provider shows fewer of them than wait for an answer, it is not decided which
// ones were made: sending each again under its own key tells.
func (b refundBooks) pairs(shown []payment.ProviderRefund) map[int]int {
	pairs := map[int]int{}
	var unknown []int
	for n, shows := range shown {
		if i := b.index(shows.ID); i >= 0 {
			pairs[n] = i
		} else {
			unknown = append(unknown, n)
		}
	}
	short := map[int64]bool{} // amounts of which the provider shows fewer than wait
	for i, r := range b.refunds {
		matches := func(n int) bool { return mayAnswer(r, shown[n]) }
		if !slices.ContainsFunc(unknown, matches) {
			continue
		}
		free := slices.IndexFunc(unknown, func(n int) bool { _, taken := pairs[n]; return !taken && matches(n) })
		if free < 0 {
			short[r.Amount] = true
			continue
		}
		pairs[unknown[free]] = i
	}
	for _, n := range unknown {
		if _, paired := pairs[n]; paired && short[shown[n].Amount] {
			pairs[n] = undecided
		}
	}
	return pairs
}

// index is the place of our refund that has the provider's id, or -1.
func (b refundBooks) index(providerID string) int {
	return slices.IndexFunc(b.refunds, func(r payment.OperationRecord) bool { return r.ProviderID == providerID })
}

// mayAnswer says whether the provider's refund may be the answer to ours, which waits for one. Mercado Pago may leave the date out.
func mayAnswer(r payment.OperationRecord, shows payment.ProviderRefund) bool {
	return r.ProviderID == "" && !r.Outcome.Ended() && !r.SentAt.IsZero() && r.Amount == shows.Amount &&
		(shows.CreatedAt.IsZero() || !shows.CreatedAt.Before(r.SentAt.Add(-clockSlack)))
}

// add stores a refund that was made in the provider's panel.
func (b *refundBooks) add(ctx context.Context, tx pgx.Tx, shows payment.ProviderRefund, at time.Time) error {
	b.numbers++
	r := payment.OperationRecord{
		ProviderKey: payment.ForeignRefundID(b.payment.ID, shows.ID), Kind: payment.Refund, Number: b.numbers, Amount: shows.Amount, Outcome: shows.Outcome,
		CreatedAt: at, UpdatedAt: at, Origin: payment.FromProvider, ProviderID: shows.ID,
	}
	b.refunds = append(b.refunds, r)
	if err := insertOperation(ctx, tx, b.payment.ID, r); err != nil {
		return err
	}
	return b.tell(ctx, tx, r, at)
}

// RefundShown is the provider's id of a refund of ours, if it is among those that the provider shows; "" if not. With restored, its row may
// have been lost and written anew: then it is also one that may be the lost one and is none of our others.
func (s *Store) RefundShown(ctx context.Context, paymentID, id string, shown []payment.ProviderRefund, restored bool) (providerID string, err error) {
	refunds, err := s.Refunds(ctx, paymentID)
	if err != nil {
		return "", err
	}
	ours := slices.IndexFunc(refunds, func(r payment.OperationRecord) bool { return r.ProviderKey == id })
	if ours < 0 {
		return "", nil
	}
	pairs := refundBooks{refunds: refunds}.pairs(shown)
	for n, i := range pairs {
		if i == ours {
			return shown[n].ID, nil
		}
	}
	for n, shows := range shown {
		i, paired := pairs[n]
		free := !paired || i != undecided && refunds[i].Origin == payment.FromProvider // a lost one was taken for one of the panel
		if restored && free && mayBeLost(refunds[ours], shows) {
			return shows.ID, nil
		}
	}
	return "", nil
}

// mayBeLost says whether the provider's refund may be the one of a row that was lost and written anew: it was made before that. Mercado Pago
// may leave the date out.
func mayBeLost(r payment.OperationRecord, shows payment.ProviderRefund) bool {
	return shows.Outcome != payment.OutcomeRefused && r.Amount == shows.Amount && shows.CreatedAt.Before(r.CreatedAt.Add(clockSlack))
}

// PendingRefunds lists the refunds of a payment that have not ended.
func (s *Store) PendingRefunds(ctx context.Context, paymentID string) ([]payment.PendingRefund, error) {
	refunds, err := s.Refunds(ctx, paymentID)
	return refundBooks{refunds: refunds}.open(), err
}
