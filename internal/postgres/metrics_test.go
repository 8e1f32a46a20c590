package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/internal/payment"
)

// An activity that runs twice moves a payment once, and the move is counted once.
func TestAMoveIsCountedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var id string
	for range 2 {
		id = s.open(t, newPayment("counted")).ID
	}
	for range 2 {
		s.apply(t, id, answer(id, payment.Pending, 10))
		s.apply(t, id, answer(id, payment.Approved, 20))
	}
	lost := s.open(t, newPayment("lost")).ID
	for range 2 {
		_, err := s.Park(t.Context(), lost, "no answer", timeAt(40))
		require.NoError(t, err)
	}
	text := metricstest.Text(t, s.Collectors()...)
	for status, times := range map[payment.Status]string{
		payment.Processing: "2", payment.Pending: "1", payment.Approved: "1", payment.Unknown: "1", payment.Rejected: "0",
	} {
		require.Contains(t, text, `onlywave_payment_moves_total{method="pix",status="`+string(status)+`"} `+times+"\n")
	}
	require.Contains(t, text, `onlywave_payment_approval_seconds_count{method="pix"} 1`)
	require.Contains(t, text, `onlywave_payment_news_age_seconds_count{method="pix"} 2`)
	require.Contains(t, text, `onlywave_payment_news_age_seconds_sum{method="pix"} 30`) // pending after 20 s, approved after 10 s
	require.Contains(t, text, `onlywave_postgres_connections_max{server="primary"} 8`)
	require.Contains(t, text, `onlywave_postgres_connections{server="primary",state="in_use"} 0`)
}
