package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// seller is the provider's side of one payment: its refunds, and the answers that it has given and that may come late.
type seller struct {
	*Store
	id        string
	second    int // of the provider's clock
	refunds   []payment.ProviderRefund
	keys      map[string]string // the refund that was made under a key
	forgetful bool              // it makes another refund when a key is repeated
	made      int               // refunds that were not made in the panel
	late      []payment.ProviderState
	newest    int // how many refunds the newest applied answer has shown
}

// TestRefundsFollowAnyOrderOfAnswers: whatever is asked for, lost, refused, made in the panel or settled later, and in whatever order and
// how often the provider's answers arrive, each of its refunds is one of ours, and none is made twice.
func TestRefundsFollowAnyOrderOfAnswers(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ctx, round := t.Context(), 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		p, _, err := s.OpenPayment(ctx, newPayment(fmt.Sprint("refunds-", round)))
		require.NoError(t, err)
		m := &seller{Store: s, id: p.ID, second: 1, keys: map[string]string{}, forgetful: rapid.Bool().Draw(t, "forgetful")}
		m.apply(ctx, t, m.answer())
		for range rapid.IntRange(4, 20).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"ask", "ask", "send", "send", "send", "panel", "settle", "look", "late", "late"}).Draw(t, "step") {
			case "ask":
				m.ask(ctx, t)
			case "send":
				if waits := m.waiting(ctx, t); len(waits) > 0 {
					m.send(ctx, t, rapid.SampledFrom(waits).Draw(t, "refund"), rapid.SampledFrom([]string{"lost before", "lost", "late", "answered"}).Draw(t, "fate"))
				}
			case "panel":
				if left := m.left(); left > 0 {
					m.make(rapid.SampledFrom([]int64{100, 350, left}).Draw(t, "amount"), payment.OutcomeDone)
				}
			case "settle":
				m.settle(t)
			case "look":
				m.apply(ctx, t, m.answer())
			case "late":
				if len(m.late) > 0 {
					m.apply(ctx, t, rapid.SampledFrom(m.late).Draw(t, "answer"))
				}
			}
			m.check(ctx, t)
		}
		m.end(ctx, t)
	})
}

func (m *seller) ask(ctx context.Context, t *rapid.T) {
	r := payment.RefundRequest{Amount: rapid.SampledFrom([]int64{100, 100, 100, 350, 700, 0}).Draw(t, "amount")}
	r.All = r.Amount == 0
	r.IdempotencyKey = fmt.Sprint(r.Amount, "-", rapid.IntRange(1, 3).Draw(t, "key"))
	_, _, err := m.AskRefund(ctx, m.id, r, false, audit.Entry{Actor: audit.Actor{Name: "shop"}, Action: audit.PaymentRefund}, timeAt(30))
	if kind := failure.KindOf(err); kind != failure.Conflict && kind != failure.Invalid {
		require.NoError(t, err)
	}
}

func (m *seller) waiting(ctx context.Context, t require.TestingT) (waits []payment.PendingRefund) {
	pending, err := m.PendingRefunds(ctx, m.id)
	require.NoError(t, err)
	for _, r := range pending {
		if r.ProviderID == "" {
			waits = append(waits, r)
		}
	}
	return waits
}

// send sends a refund as the activity does.
func (m *seller) send(ctx context.Context, t require.TestingT, r payment.PendingRefund, fate string) {
	sending, err := m.SendOperation(ctx, r.ID, timeAt(30))
	require.NoError(t, err)
	if sending.Before && m.found(ctx, t, r.ID) || fate == "lost before" {
		return
	}
	id, known := m.keys[r.ID]
	if !known || m.forgetful {
		if r.Amount > m.left() {
			if !m.found(ctx, t, r.ID) {
				_, _, err := m.EndRefund(ctx, m.id, r.ID, failure.CodeRefundState, "refused", timeAt(30))
				require.NoError(t, err)
			}
			return
		}
		id = m.make(r.Amount, payment.OutcomeDone)
		m.keys[r.ID] = id
		m.made++
	}
	state := m.answer()
	i := slices.IndexFunc(state.Refunds, func(r payment.ProviderRefund) bool { return r.ID == id })
	state.Refunds[i].AnswerTo = r.ID
	switch fate {
	case "late":
		m.late = append(m.late, state)
	case "answered":
		m.apply(ctx, t, state)
	}
}

// found says whether the provider shows a refund, and applies what it shows.
func (m *seller) found(ctx context.Context, t require.TestingT, id string) bool {
	state := m.answer()
	providerID, err := m.RefundShown(ctx, m.id, id, state.Refunds, false)
	require.NoError(t, err)
	if providerID == "" {
		return false
	}
	m.apply(ctx, t, state)
	return true
}

func (m *seller) left() int64 {
	left := int64(1050)
	for _, r := range m.refunds {
		if r.Outcome != payment.OutcomeRefused {
			left -= r.Amount
		}
	}
	return left
}

func (m *seller) make(amount int64, outcome payment.Outcome) string {
	amount = min(amount, m.left())
	m.second++
	id := fmt.Sprint(1000 + len(m.refunds))
	m.refunds = append(slices.Clone(m.refunds), payment.ProviderRefund{ID: id, Amount: amount, Outcome: outcome, CreatedAt: timeAt(30)})
	return id
}

// settle rejects a refund that was made, or approves one that is in process.
func (m *seller) settle(t *rapid.T) {
	if len(m.refunds) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.refunds)-1).Draw(t, "settled")
	m.second++
	m.refunds = slices.Clone(m.refunds)
	switch r := &m.refunds[i]; r.Outcome {
	case payment.OutcomeAsked:
		r.Outcome = payment.OutcomeDone
	case payment.OutcomeDone:
		r.Outcome = payment.OutcomeRefused
	}
}

// answer is what the provider says now. It may come again, and late.
func (m *seller) answer() payment.ProviderState {
	state := answer(m.id, payment.Approved, m.second)
	state.Refunds = slices.Clone(m.refunds)
	for _, r := range m.refunds {
		if r.Outcome == payment.OutcomeDone {
			state.Refunded += r.Amount
		}
	}
	switch {
	case state.Refunded == 1050:
		state.Status = payment.Refunded
	case state.Refunded > 0:
		state.Status = payment.PartiallyRefunded
	}
	m.late = append(m.late, state)
	return state
}

func (m *seller) apply(ctx context.Context, t require.TestingT, state payment.ProviderState) {
	_, err := m.ApplyLook(ctx, m.id, state, timeAt(40))
	require.NoError(t, err)
	m.newest = max(m.newest, len(state.Refunds))
}

func (m *seller) check(ctx context.Context, t require.TestingT) {
	refunds, err := m.Refunds(ctx, m.id)
	require.NoError(t, err)
	known := map[string]bool{}
	for _, r := range refunds {
		require.False(t, known[r.ProviderID], "the provider's refund %s is two of ours: %+v", r.ProviderID, refunds)
		known[r.ProviderID] = r.ProviderID != ""
	}
	delete(known, "")
	require.LessOrEqual(t, len(known), m.newest, "no refund that was not shown")
	asked := m.number(t, `select count(*) from operations where payment_id = $1 and kind = 'refund' and origin <> 'provider'`, m.id)
	require.LessOrEqual(t, m.made, asked, "no refund is made twice")
}

// end sends what waits until all have ended, and compares both sides.
func (m *seller) end(ctx context.Context, t require.TestingT) {
	m.apply(ctx, t, m.answer())
	for range 20 {
		waits := m.waiting(ctx, t)
		if len(waits) == 0 {
			break
		}
		m.send(ctx, t, waits[0], "answered")
		m.check(ctx, t)
	}
	m.apply(ctx, t, m.answer())
	refunds, err := m.Refunds(ctx, m.id)
	require.NoError(t, err)
	sum, ours := int64(0), map[string]payment.OperationRecord{}
	for _, r := range refunds {
		require.True(t, r.Outcome.Ended() || r.ProviderID != "", "nobody moves %+v", r)
		if r.ProviderID != "" {
			ours[r.ProviderID] = r
		}
		if r.Outcome == payment.OutcomeDone {
			sum += r.Amount
		}
	}
	require.Len(t, ours, len(m.refunds))
	for _, r := range m.refunds {
		require.Equal(t, []any{r.Amount, r.Outcome}, []any{ours[r.ID].Amount, ours[r.ID].Outcome}, "%+v", refunds)
	}
	p, err := m.Payment(ctx, m.id)
	require.NoError(t, err)
	require.Equal(t, p.Refunded, sum)
	require.LessOrEqual(t, sum, int64(1050))
	m.checkEvents(ctx, t, refunds)
}

// checkEvents compares the last event of each refund with the refund.
func (m *seller) checkEvents(ctx context.Context, t require.TestingT, refunds []payment.OperationRecord) {
	events, err := m.Events(ctx, m.id, 0, 1000)
	require.NoError(t, err)
	told := map[string]payment.RefundStatus{}
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		if r := e.Data.Refund; r != nil {
			require.NotEqual(t, told[r.ID], r.Status, "refund %s is told twice", r.ID)
			told[r.ID] = r.Status
		}
	}
	for _, r := range refunds {
		require.Equal(t, r.Outcome.RefundStatus(), told[r.ProviderKey], "refund %s", r.ProviderKey)
	}
	require.Len(t, told, len(refunds))
}
