package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

// A workflow task that is lost takes what its run knows of a stored refund with it. The run hears of the refund when it looks.
func TestEachLookSaysWhichRefundsHaveNotEnded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("forgotten")).ID
	m, err := s.ApplyLook(t.Context(), id, paid(id, 2), timeAt(2))
	require.NoError(t, err)
	require.False(t, m.Refunds)
	r, _, err := s.AskRefund(t.Context(), id, payment.RefundRequest{Amount: 300, IdempotencyKey: "k", Origin: payment.FromClient}, false,
		audit.Entry{Actor: audit.Actor{Name: "shop"}, Action: audit.PaymentRefund, Object: "payment/" + id}, timeAt(3))
	require.NoError(t, err)
	for range 2 {
		m, err = s.ApplyLook(t.Context(), id, paid(id, 2), timeAt(4))
		require.NoError(t, err)
		require.True(t, m.Refunds)
		require.Len(t, m.Pending, 1)
		require.Equal(t, r.ProviderKey, m.Pending[0].ID)
	}
	_, _, err = s.EndRefund(t.Context(), id, r.ProviderKey, "", "refused", timeAt(5))
	require.NoError(t, err)
	m, err = s.ApplyLook(t.Context(), id, paid(id, 2), timeAt(6))
	require.NoError(t, err)
	require.Empty(t, m.Pending)
}
