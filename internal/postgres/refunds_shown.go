package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

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
