package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// The buyer pays after the end. The event tells it, and the money goes back once if the client app has asked for that.
func TestMoneyThatComesTooLate(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]payment.LatePayment{"keep": payment.KeepLate, "refund": payment.RefundLate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			in := creation(t)
			in.Creation.Request.LatePayment = late
			_, err := w.Open(t.Context(), in)
			require.NoError(t, err)
			charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID})
			require.NoError(t, err)
			apply := func() Moved {
				seen, err := w.Look(t.Context(), LookInput{PaymentID: in.PaymentID, ProviderPaymentID: charged.PaymentID, Money: money})
				require.NoError(t, err)
				m, err := w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: seen.State, Looked: true})
				require.NoError(t, err)
				return m
			}
			apply()
			require.NoError(t, w.provider.Expire(charged.PaymentID))
			require.Equal(t, payment.Expired, apply().Status)
			require.NoError(t, w.provider.PayLate(charged.PaymentID))
			for range 2 { // the activity may run twice
				m := apply()
				require.Equal(t, payment.Approved, m.Status)
				require.Len(t, m.Pending, map[payment.LatePayment]int{payment.RefundLate: 1}[late])
			}
			types := []string{"payment.processing", "payment.pending", "payment.expired", "payment.approved"}
			if late == payment.RefundLate {
				types = append(types, "refund.pending")
			}
			require.Equal(t, types, w.eventTypes(t, in.PaymentID))
			events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
			require.NoError(t, err)
			require.True(t, events[3].Data.Late)
			require.False(t, events[3].Data.Surprising)
			for _, r := range w.refunds(t, in.PaymentID) {
				_, err := w.Refund(t.Context(), RefundInput{PaymentID: in.PaymentID, ID: r.ProviderKey, Amount: r.Amount})
				require.NoError(t, err)
				require.Equal(t, payment.FromClient, r.Origin)
			}
			if sum, n := w.given(in.PaymentID); late == payment.RefundLate {
				require.Equal(t, []any{int64(1050), 1}, []any{sum, n})
			} else {
				require.Zero(t, n)
			}
		})
	}
}
