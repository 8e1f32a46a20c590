package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestGivingUpIsOnlyForAPaymentWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	answered := s.open(t, newPayment("answered")).ID
	s.apply(t, answered, answer(answered, payment.Pending, 1))
	before := s.read(t, answered)
	for _, giveUp := range []func(context.Context, string, string, time.Time) (Move, error){s.fail, s.Park} {
		m, err := giveUp(t.Context(), answered, "silence", timeAt(2))
		require.NoError(t, err)
		require.Equal(t, Move{Status: payment.Pending, From: payment.Pending, Payment: before}, m)
		require.Equal(t, before, s.read(t, answered))
		require.Equal(t, "done", s.outcome(t, answered))

		_, err = giveUp(t.Context(), payment.NewID("shop", "never made"), "silence", timeAt(2))
		require.Equal(t, failure.NotFound, failure.KindOf(err))
	}

	id := s.open(t, newPayment("silent")).ID
	rows := []struct {
		giveUp  func(context.Context, string, string, time.Time) (Move, error)
		why     string
		status  payment.Status
		outcome string
		news    bool
	}{
		{s.Park, "no answer", payment.Unknown, "unknown", true},
		{s.Park, "again", payment.Unknown, "unknown", false},
		{s.fail, "refused", payment.Failed, "refused", true},
		{s.fail, "again", payment.Failed, "refused", false},
		{s.Park, "too late", payment.Failed, "refused", false}, // failed is final, and parking does not change it
	}
	codes := map[payment.Status]failure.Code{payment.Unknown: failure.CodeUnknown, payment.Failed: failure.CodeTaxID}
	seq, failure := 1, ""
	for _, row := range rows {
		m, err := row.giveUp(t.Context(), id, row.why, timeAt(3))
		require.NoError(t, err)
		require.Equal(t, row.status, m.Status)
		require.Equal(t, row.news, m.Event != nil, row.why)
		if row.news {
			seq, failure = seq+1, row.why
			require.Equal(t, payment.Event{
				PaymentID: id, ClientID: "shop", Seq: seq, Status: row.status, At: timeAt(3),
				Data: payment.EventData{Failure: row.why, FailureCode: codes[row.status], Amount: 1050},
			}, *m.Event)
		}
		p := s.read(t, id)
		require.Equal(t, row.status, p.Status)
		require.Equal(t, failure, p.Failure)
		require.Equal(t, codes[row.status], p.FailureCode)
		require.Equal(t, row.outcome, s.outcome(t, id))
	}
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Failed}, s.history(t, id))
}

// fail gives a payment up as the provider says that its tax id is wrong.
func (s *Store) fail(ctx context.Context, id, why string, at time.Time) (Move, error) {
	return s.Fail(ctx, id, failure.CodeTaxID, why, at)
}

// A rejection for a reason of ours says so, and is counted with the failures, once.
func TestARejectionForAReasonOfOursHasItsCode(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("rejected")).ID
	state := answer(id, payment.Rejected, 1)
	state.StatusDetail, state.FailureCode = "collector_unavailable", failure.CodeAccount
	for range 2 {
		s.apply(t, id, state)
	}
	require.Equal(t, &payment.FailureReason{Code: failure.CodeAccount, Message: failure.CodeAccount.Message()}, s.read(t, id).Why())
	require.Contains(t, metricstest.Text(t, s.Collectors()...), `onlywave_payment_failures_total{code="account_unavailable"} 1`+"\n")
}

// A payment that failed before there were codes has a code too.
func TestFailuresFromBeforeHaveACode(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("old")).ID
	_, err := s.pool.Exec(t.Context(), `update payments set status = 'failed', failure = 'Mercado Pago refuses this request' where id = $1`, id)
	require.NoError(t, err)
	require.Equal(t, &payment.FailureReason{Code: failure.CodeRefused, Message: "Mercado Pago refuses this request"}, s.read(t, id).Why())
}

func TestAnAnswerAfterGivingUpSetsThingsRight(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, giveUp := range map[string]func(context.Context, string, string, time.Time) (Move, error){"parked": s.Park, "failed": s.fail} {
		id := s.open(t, newPayment(name)).ID
		_, err := giveUp(t.Context(), id, "silence", timeAt(1))
		require.NoError(t, err)
		m := s.apply(t, id, answer(id, payment.Approved, 1))
		require.Equal(t, name == "failed", m.Event.Data.Surprising, name)
		p := s.read(t, id)
		require.Equal(t, payment.Approved, p.Status)
		require.Nil(t, p.Why())
		require.Equal(t, "done", s.outcome(t, id))
	}
	never := payment.NewID("shop", "never made")
	_, err := s.Apply(t.Context(), never, answer(never, payment.Pending, 1), timeAt(1))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}
