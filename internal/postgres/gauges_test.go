package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/migrations"
)

func TestGaugesCountWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Len(t, f.DeadLetters, len(deadletter.Causes()))
	require.Len(t, f.Payments, 5, "every open status, though there is no payment")
	require.WithinDuration(t, migrations.Ahead(time.Now()).AddDate(0, 1, 0), time.Now().Add(f.Ahead), time.Minute)
	require.Equal(t, Gauges{Payments: f.Payments, DeadLetters: f.DeadLetters, Findings: f.Findings, Ahead: f.Ahead, Since: f.Since, Undelivered: f.Undelivered}, f)
	require.Equal(t, map[Sink]Gauge{ToSubscribers: {}, ToBuyer: {}}, f.Undelivered)
	require.Positive(t, f.Since, "no run has finished yet, and there is a client app")
	for _, none := range f.Payments {
		require.Zero(t, none)
	}

	s.open(t, newPayment("waits"))
	over, lost := s.open(t, newPayment("over")).ID, s.open(t, newPayment("lost")).ID
	s.apply(t, over, answer(over, payment.Approved, 10))
	_, err = s.Park(t.Context(), lost, "no answer", timeAt(20))
	require.NoError(t, err)
	s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: lost, Seq: 2, Refused: []int{1, 2}})
	_, err = s.pool.Exec(t.Context(), `update outbox set since = now() - interval '7 minutes' where payment_id = $1`, over)
	require.NoError(t, err)
	s.keep(t, deadLetter(1), deadLetter(2))
	_, err = s.pool.Exec(t.Context(), `update dead_letters set state = 'discarded' where message_id = 'message-2'`)
	require.NoError(t, err)
	ago := time.Now().Add(-time.Hour)
	require.NoError(t, s.Spool(t.Context(), "1", "mercadopago.payment", []byte("{}"), ago))
	require.NoError(t, s.Spool(t.Context(), "2", "mercadopago.payment", []byte("{}"), time.Now()))

	run, err := s.BeginReconciliation(t.Context(), plan("run", ago))
	require.NoError(t, err)
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, found(payment.OrphanPayment, "not ours", "1", "2")))
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, found(payment.MissedWebhook, "never came", "3")))
	_, err = s.pool.Exec(t.Context(), `update reconciliations set started_at = now() - interval '10 minutes'`)
	require.NoError(t, err)
	_, err = s.FinishReconciliation(t.Context(), run.ID, payment.ReconciliationCounts{}, time.Now())
	require.NoError(t, err)

	f, err = s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, f.Payments[payment.Processing].Count)
	require.Equal(t, 1, f.Payments[payment.Unknown].Count)
	require.NotContains(t, f.Payments, payment.Approved, "what is over is not open")
	require.WithinDuration(t, timeAt(20), time.Now().Add(-f.Payments[payment.Unknown].Oldest), time.Minute)
	require.Equal(t, 1, f.DeadLetters[deadletter.CauseInvalid].Count)
	require.Equal(t, 2, f.Findings[payment.OrphanPayment].Count)
	require.NotContains(t, f.Findings, payment.MissedWebhook)
	require.Equal(t, 2, f.Spool.Count)
	require.WithinDuration(t, ago, time.Now().Add(-f.Spool.Oldest), time.Minute)
	require.Equal(t, 2, f.Undelivered[ToSubscribers].Count)
	require.InDelta(t, 7, f.Undelivered[ToSubscribers].Oldest.Minutes(), 0.5)
	require.Equal(t, 2, f.Repeats.Count)
	require.Equal(t, 1, f.Missed)
	require.True(t, f.Compared)
	require.WithinDuration(t, run.To, time.Now().Add(-f.Since), time.Minute)
	_, err = s.pool.Exec(t.Context(), `update reconciliations set started_at = started_at - interval '9 days', window_to = window_to - interval '9 days'`)
	require.NoError(t, err)
	long, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, run.To.AddDate(0, 0, -9), time.Now().Add(-long.Since), 2*time.Hour, "however long ago")

	s.prune(t, year, time.Now().AddDate(10, 0, 0), 1000)
	f, err = s.Gauges(t.Context())
	require.NoError(t, err)
	require.Zero(t, f.Ahead, "no month has a partition any more")
}

// A payment is behind until it has caught up, whether or not that finding was settled; and it is past its end while it is pending.
func TestGaugesShowPaymentsThatStandStill(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	hour := time.Now().Add(-time.Hour)
	pending := func(key string, end time.Time) string {
		p := s.open(t, newPayment(key))
		state := answer(p.ID, payment.Pending, 10)
		state.PaymentID, state.ExpiresAt = key, end
		s.apply(t, p.ID, state)
		return p.ID
	}
	ended := pending("1", hour)
	pending("2", time.Now().Add(time.Hour))
	never := s.open(t, newPayment("3")).ID
	run, err := s.BeginReconciliation(t.Context(), plan("run", time.Now()))
	require.NoError(t, err)
	behind := found(payment.Difference, "", "1", "3")
	for i, id := range []string{ended, never} {
		behind[i].PaymentID, behind[i].FoundAt, behind[i].ProviderUpdatedAt = id, hour, timeAt(20)
	}
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, behind))

	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{f.Behind.Count, f.PastEnd.Count})
	require.WithinDuration(t, hour, time.Now().Add(-f.Behind.Oldest), time.Minute)
	require.WithinDuration(t, hour, time.Now().Add(-f.PastEnd.Oldest), time.Minute)
	require.NotContains(t, f.Findings, payment.Difference)

	late := answer(ended, payment.Approved, 20)
	late.PaymentID = "1"
	s.apply(t, ended, late)
	f, err = s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{f.Behind.Count, f.PastEnd.Count})
}

// A dispute is due while it waits for documents and its deadline is near: four days, so that a weekend is not too long.
func TestGaugesShowDisputesThatAreDue(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := s.disputed(t, "due")
	for i, row := range []struct {
		status payment.DisputeStatus
		in     time.Duration
		due    int
	}{
		{payment.DisputeEvidenceWanted, 97 * time.Hour, 0}, {payment.DisputeEvidenceWanted, 95 * time.Hour, 1}, {payment.DisputeEvidenceWanted, -time.Hour, 0},
		{payment.DisputeEvidenceWanted, time.Hour, 1}, {payment.DisputeInReview, time.Hour, 0}, {payment.DisputeWon, time.Hour, 0},
	} {
		news := chargeback(row.status, 4+i)
		if news.Deadline = (time.Time{}); row.status == payment.DisputeEvidenceWanted {
			news.Deadline = time.Now().Add(row.in)
		}
		_, _, err := s.KeepDisputes(t.Context(), p.ID, []payment.ProviderDispute{news}, timeAt(40))
		require.NoError(t, err)
		f, err := s.Gauges(t.Context())
		require.NoError(t, err)
		require.Equal(t, row.due, f.Due.Count, "%+v", row)
	}
}

// A refund is open until it has ended, whether or not the provider has it.
func TestGaugesShowRefundsThatDoNotEnd(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("refunds")).ID
	s.apply(t, id, paid(id, 2))
	hour := time.Now().Add(-time.Hour)
	ask := func(key string, at time.Time) payment.OperationRecord {
		r, _, err := s.AskRefund(t.Context(), id, payment.RefundRequest{Amount: 300, IdempotencyKey: key, Origin: payment.FromClient}, false,
			audit.Entry{Actor: audit.Actor{Name: "shop"}, Action: audit.PaymentRefund, Object: "payment/" + id}, at)
		require.NoError(t, err)
		return r
	}
	first, second := ask("1", hour), ask("2", time.Now())
	f, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, f.Refunds.Count)
	require.WithinDuration(t, hour, time.Now().Add(-f.Refunds.Oldest), time.Minute)

	for left, ended := range []payment.OperationRecord{second, first} {
		_, _, err = s.EndRefund(t.Context(), id, ended.ProviderKey, "", "refused", time.Now())
		require.NoError(t, err)
		f, err = s.Gauges(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1-left, f.Refunds.Count)
	}
	require.Zero(t, f.Refunds.Oldest)
}
