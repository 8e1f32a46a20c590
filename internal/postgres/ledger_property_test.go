package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/payment"
)

// life draws what the provider says of one payment, second by second, from its approval on.
func life(t *rapid.T, id string) []payment.ProviderState {
	state := answer(id, payment.Approved, 1)
	var refunds []payment.ProviderRefund
	var states []payment.ProviderState
	for second := 1; second <= rapid.IntRange(1, 7).Draw(t, "seconds"); second++ {
		state.Status = payment.Approved
		left := state.Money.Centavos
		for _, r := range refunds {
			if r.Outcome != payment.OutcomeRefused {
				left -= r.Amount
			}
		}
		switch change := rapid.SampledFrom([]string{"none", "refund", "refund", "end a refund"}).Draw(t, "change"); {
		case change == "refund" && left > 0 && second > 1:
			refunds = append(refunds, payment.ProviderRefund{
				ID: strconv.Itoa(70 + len(refunds)), Amount: rapid.Int64Range(1, left).Draw(t, "amount"), CreatedAt: timeAt(second),
				Outcome: rapid.SampledFrom([]payment.Outcome{payment.OutcomeDone, payment.OutcomeAsked}).Draw(t, "outcome"),
			})
		case change == "end a refund" && len(refunds) > 0:
			r := &refunds[rapid.IntRange(0, len(refunds)-1).Draw(t, "which")]
			if r.Outcome == payment.OutcomeAsked {
				r.Outcome = payment.OutcomeDone
			} else {
				r.Outcome = payment.OutcomeRefused
			}
		}
		shown := refunded(state, second, append([]payment.ProviderRefund(nil), refunds...)...)
		if shown.Status != payment.Refunded && rapid.IntRange(0, 4).Draw(t, "disputed") == 0 {
			shown.Status = rapid.SampledFrom([]payment.Status{payment.InDispute, payment.ChargedBack}).Draw(t, "dispute")
			shown.StatusDetail = rapid.SampledFrom([]string{"in_process", "settled"}).Draw(t, "detail")
		}
		if rapid.Bool().Draw(t, "with a fee") {
			fee := int64(10)
			shown.Fee, shown.ReleaseAt = &fee, timeAt(20)
		}
		states = append(states, shown)
	}
	return states
}

// Whatever the provider says, in any order and however often: every posting sums to zero, and the accounts are those of the newest answer.
func TestTheLedgerFollowsTheNewestAnswer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	payments := 0
	rapid.Check(t, func(t *rapid.T) {
		payments++
		p, _, err := s.OpenPayment(context.Background(), newPayment(fmt.Sprint("ledger ", payments)))
		require.NoError(t, err)
		id := p.ID
		states := life(t, id)
		newest, feeKnown, settled := payment.ProviderState{}, false, false
		for range rapid.IntRange(1, 10).Draw(t, "answers") {
			if rapid.IntRange(0, 5).Draw(t, "settle") == 0 {
				done, err := s.SettleMoney(context.Background(), timeAt(25), 100)
				require.NoError(t, err)
				settled = settled || slices.ContainsFunc(done, func(p payment.Payment) bool { return p.ID == id })
			}
			state := rapid.SampledFrom(states).Draw(t, "state")
			_, err := s.ApplyLook(context.Background(), id, state, timeAt(30))
			require.NoError(t, err)
			if !state.UpdatedAt.Before(newest.UpdatedAt) {
				newest, feeKnown = state, feeKnown || state.Fee != nil
			}
			require.Equal(t, accountsOf(newest, feeKnown, settled), s.accounts(t, id))
			s.postings(t, id)
		}
		const sum = `select coalesce(sum(amount), 0) from ledger_entries where account = $1`
		b := s.balance(t, "shop")
		require.Equal(t, int64(s.number(t, sum, payment.AccountPending)), b.Pending)
		require.Equal(t, int64(s.number(t, sum, payment.AccountAvailable)), b.Available)
	})
}

// accountsOf is what the ledger must hold of a payment after an answer, told independently of the database.
func accountsOf(state payment.ProviderState, feeKnown, settled bool) map[payment.Account]int64 {
	var fee int64
	if feeKnown {
		fee = 10
	}
	left := state.Money.Centavos - fee - state.Refunded
	all := map[payment.Account]int64{
		payment.AccountPayable: -state.Money.Centavos, payment.AccountFees: fee, payment.AccountRefunds: state.Refunded,
	}
	switch withheld := left > 0; {
	case withheld && state.Status == payment.ChargedBack && state.StatusDetail == "settled":
		all[payment.AccountLosses], left = left, 0
	case withheld && (state.Status == payment.InDispute || state.Status == payment.ChargedBack):
		all[payment.AccountDisputes], left = left, 0
	}
	if settled {
		all[payment.AccountAvailable] = left
	} else {
		all[payment.AccountPending] = left
	}
	maps.DeleteFunc(all, func(_ payment.Account, sum int64) bool { return sum == 0 })
	return all
}
