package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// disputed is a paid payment.
func (s *Store) disputed(t *testing.T, key string) payment.Payment {
	id := s.open(t, newPayment(key)).ID
	s.look(t, paid(id, 2))
	return s.read(t, id)
}

func chargeback(status payment.DisputeStatus, second int) payment.ProviderDispute {
	d := payment.ProviderDispute{
		ID: "233000061680860000", Kind: payment.Chargeback, Payments: []string{"106400160592"}, Status: status, OpenedAt: timeAt(3), UpdatedAt: timeAt(second),
	}
	if status == payment.DisputeEvidenceWanted {
		d.Deadline = timeAt(1000)
	}
	return d
}

// changes are the types of the events about disputes, oldest first.
func (s *Store) changes(t *testing.T, id string) []string {
	events, err := s.Events(t.Context(), id, 0, 100)
	require.NoError(t, err)
	var types []string
	for i, e := range events {
		require.Equal(t, i+1, e.Seq, "without gaps")
		if e.Data.Dispute != nil {
			types = append(types, e.Type())
		}
	}
	return types
}

// Whatever comes twice, and in whichever order: one dispute, and one event for each change.
func TestADisputeIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.disputed(t, "chargeback")
	keep := func(news ...payment.ProviderDispute) {
		for range 2 {
			_, _, err := s.KeepDisputes(t.Context(), p.ID, news, timeAt(40))
			require.NoError(t, err)
		}
	}
	keep(chargeback(payment.DisputeEvidenceWanted, 4))
	d, err := s.Dispute(t.Context(), payment.DisputeID(p.ID, payment.Chargeback, "233000061680860000"))
	require.NoError(t, err)
	require.Equal(t, payment.Dispute{
		ID: d.ID, PaymentID: p.ID, ClientID: "shop", Kind: payment.Chargeback, ProviderID: "233000061680860000", Status: payment.DisputeEvidenceWanted,
		Amount: 1050, Currency: payment.BRL, Deadline: timeAt(1000), OpenedAt: timeAt(3), UpdatedAt: timeAt(40), ProviderUpdatedAt: timeAt(4),
	}, d)
	keep(chargeback(payment.DisputeInReview, 6))
	keep(chargeback(payment.DisputeEvidenceWanted, 4)) // an old answer
	keep(chargeback(payment.DisputeWon, 7))
	require.Equal(t, []string{"dispute.opened", "dispute.updated", "dispute.won"}, s.changes(t, p.ID))
	list, err := s.Disputes(t.Context(), p.ID)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, payment.DisputeWon, list[0].Status)
	require.True(t, list[0].Deadline.IsZero())
	require.Equal(t, 1, s.number(t, `select count(*) from outbox where payment_id = $1 and sink = 'events'`, p.ID))
	require.Zero(t, s.number(t, `select count(*) from outbox where payment_id = $1 and sink = 'email'`, p.ID))
}

func TestManyWorkersKeepADisputeAtOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.disputed(t, "at once")
	sideBySide(t, 5, func(int) error {
		_, _, err := s.KeepDisputes(context.Background(), p.ID, []payment.ProviderDispute{chargeback(payment.DisputeOpen, 4)}, timeAt(40))
		return err
	})
	require.Equal(t, []string{"dispute.opened"}, s.changes(t, p.ID))
}

// The words of the payment and of its chargeback come by two calls, in any order. The money and the dispute end alike.
func TestAChargebackEndsAsItsPaymentDoes(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for detail, want := range map[string]string{"settled": "dispute.lost", "reimbursed": "dispute.won"} {
		p := s.disputed(t, detail)
		state := paid(p.ID, 5)
		state.Status, state.RawStatus, state.StatusDetail, state.UpdatedAt = payment.ChargedBack, "charged_back", "in_process", timeAt(5)
		s.look(t, state)
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{chargeback(payment.DisputeOpen, 4)}, timeAt(40))
		require.NoError(t, err)
		if state.StatusDetail, state.UpdatedAt = detail, timeAt(6); detail == "reimbursed" {
			state.Status = payment.Approved
		}
		s.look(t, state)
		_, _, err = s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{chargeback(payment.DisputeOpen, 4)}, timeAt(40))
		require.NoError(t, err)
		require.Equal(t, []string{"dispute.opened", want}, s.changes(t, p.ID))
	}
}

func TestDisputesAreListed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var ids []string
	for i, status := range []payment.DisputeStatus{payment.DisputeOpen, payment.DisputeLost, payment.DisputeOpen} {
		p := s.disputed(t, string(rune('a'+i)))
		news := chargeback(status, 4)
		news.OpenedAt = timeAt(10 + i)
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{news}, timeAt(40))
		require.NoError(t, err)
		ids = append(ids, payment.DisputeID(p.ID, payment.Chargeback, news.ID))
	}
	list := func(f payment.DisputeFilter) (found []string) {
		disputes, err := s.AllDisputes(t.Context(), f)
		require.NoError(t, err)
		for _, d := range disputes {
			found = append(found, d.ID)
		}
		return found
	}
	require.Equal(t, []string{ids[2], ids[1], ids[0]}, list(payment.DisputeFilter{Limit: 10}))
	require.Equal(t, []string{ids[2], ids[0]}, list(payment.DisputeFilter{Status: payment.DisputeOpen, ClientID: "shop", Limit: 10}))
	require.Equal(t, []string{ids[1]}, list(payment.DisputeFilter{After: payment.Position{CreatedAt: timeAt(12), ID: ids[2]}, Limit: 1}))
	require.Empty(t, list(payment.DisputeFilter{ClientID: "another", Limit: 10}))
}

func TestDisputesThatNobodyHasAskedAboutAreFound(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.disputed(t, "unasked")
	keep := func(status payment.DisputeStatus, second, at int) {
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{chargeback(status, second)}, timeAt(at))
		require.NoError(t, err)
	}
	unasked := func(since int) int {
		found, err := s.UnaskedDisputes(t.Context(), timeAt(since), 10)
		require.NoError(t, err)
		return len(found)
	}
	keep(payment.DisputeOpen, 4, 40)
	require.Zero(t, unasked(40))
	require.Equal(t, 1, unasked(41))
	keep(payment.DisputeOpen, 4, 50) // no news, but asked
	require.Zero(t, unasked(50))
	keep(payment.DisputeWon, 5, 51)
	require.Zero(t, unasked(100), "it has ended")
}

// Once for each deadline, and neither of a dispute that has ended nor of one whose time is over.
func TestADeadlineIsRemindedOfOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p, over := s.disputed(t, "due"), s.disputed(t, "over")
	keep := func(p payment.Payment, status payment.DisputeStatus, second, deadline int) {
		news := chargeback(status, second)
		news.Deadline = timeAt(deadline)
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{news}, timeAt(40))
		require.NoError(t, err)
	}
	keep(p, payment.DisputeEvidenceWanted, 4, 1000)
	keep(over, payment.DisputeEvidenceWanted, 4, 100)
	remind := func(at int) int {
		reminded, err := s.RemindDisputes(t.Context(), timeAt(at), timeAt(at).Add(10*time.Minute), 10)
		require.NoError(t, err)
		return len(reminded)
	}
	require.Zero(t, remind(300), "it is early, and of the other too late")
	require.Equal(t, 1, remind(500))
	require.Zero(t, remind(501))
	keep(p, payment.DisputeEvidenceWanted, 5, 1050) // another deadline
	require.Equal(t, 1, remind(502))
	keep(p, payment.DisputeWon, 6, 1060)
	require.Zero(t, remind(503))
	require.Equal(t, []string{"dispute.opened", "dispute.reminder", "dispute.updated", "dispute.reminder", "dispute.won"}, s.changes(t, p.ID))
}
