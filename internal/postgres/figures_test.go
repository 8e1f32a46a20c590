package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestFiguresCountWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	f, err := s.Figures(t.Context())
	require.NoError(t, err)
	require.Len(t, f.Letters, len(payment.Causes()))
	require.Len(t, f.Payments, 5, "every open status, though there is no payment")
	require.WithinDuration(t, ahead(time.Now()).AddDate(0, 1, 0), time.Now().Add(f.Ahead), time.Minute)
	require.Equal(t, Figures{Payments: f.Payments, Letters: f.Letters, Findings: f.Findings, Ahead: f.Ahead, Behind: f.Behind}, f)
	require.Positive(t, f.Behind, "nobody has ever compared the books, and there is a client app")
	for _, none := range f.Payments {
		require.Zero(t, none)
	}

	s.open(t, newPayment("waits"))
	over, lost := s.open(t, newPayment("over")).ID, s.open(t, newPayment("lost")).ID
	s.apply(t, over, answer(over, payment.Approved, 10))
	_, err = s.Park(t.Context(), lost, "no answer", moment(20))
	require.NoError(t, err)
	s.keep(t, letter(1), letter(2))
	_, err = s.pool.Exec(t.Context(), `update dead_letters set state = 'discarded' where message_id = 'message-2'`)
	require.NoError(t, err)
	ago := time.Now().Add(-time.Hour)
	require.NoError(t, s.Spool(t.Context(), "1", "mercadopago.payment", []byte("{}"), ago))
	require.NoError(t, s.Spool(t.Context(), "2", "mercadopago.payment", []byte("{}"), time.Now()))

	run, err := s.BeginReconciliation(t.Context(), plan("run", ago))
	require.NoError(t, err)
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, found(payment.Stranger, "not ours", "1", "2")))
	require.NoError(t, s.KeepFindings(t.Context(), run.ID, found(payment.MissedWebhook, "never came", "3")))
	_, err = s.pool.Exec(t.Context(), `update reconciliations set started_at = now() - interval '10 minutes'`)
	require.NoError(t, err)
	_, err = s.FinishReconciliation(t.Context(), run.ID, payment.ReconciliationCounts{}, time.Now())
	require.NoError(t, err)

	f, err = s.Figures(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, f.Payments[payment.Processing].Count)
	require.Equal(t, 1, f.Payments[payment.Unknown].Count)
	require.NotContains(t, f.Payments, payment.Approved, "what is over is not open")
	require.WithinDuration(t, moment(20), time.Now().Add(-f.Payments[payment.Unknown].Oldest), time.Minute)
	require.Equal(t, 1, f.Letters[payment.CauseInvalid].Count)
	require.Equal(t, 2, f.Findings[payment.Stranger].Count)
	require.NotContains(t, f.Findings, payment.MissedWebhook)
	require.Equal(t, 2, f.Spool.Count)
	require.WithinDuration(t, ago, time.Now().Add(-f.Spool.Oldest), time.Minute)
	require.Equal(t, 1, f.Missed)
	require.True(t, f.Compared)
	require.WithinDuration(t, run.To, time.Now().Add(-f.Behind), time.Minute)
	_, err = s.pool.Exec(t.Context(), `update reconciliations set started_at = started_at - interval '9 days', window_to = window_to - interval '9 days'`)
	require.NoError(t, err)
	long, err := s.Figures(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, run.To.AddDate(0, 0, -9), time.Now().Add(-long.Behind), 2*time.Hour, "however long ago")

	s.prune(t, year, time.Now().AddDate(10, 0, 0), 1000)
	f, err = s.Figures(t.Context())
	require.NoError(t, err)
	require.Zero(t, f.Ahead, "no month has a partition any more")
}
