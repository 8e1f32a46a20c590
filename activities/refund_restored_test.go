package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// A lost refund was made before its row was written anew. The panel's refund of the same amount that was made after it is another one.
func TestALaterRefundInThePanelIsNotTheLostOne(t *testing.T) {
	t.Parallel()
	for name, looked := range map[string]bool{"not looked at": false, "looked at": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			p := w.paid(t)
			w.searchUntil = time.Now().Add(time.Hour)
			order := refundOrder(p.ID, "return-1", 400)
			asked, err := w.AskRefund(t.Context(), order)
			require.NoError(t, err)
			// It is sent long after it was asked for, and the panel's refund is made between the two.
			w.execute(t, `update operations set created_at = created_at - interval '1 hour', sent_at = created_at + interval '1 hour' where provider_key = $1`, asked.ID)
			panel, err := w.provider.RefundInPanel(p.Provider.PaymentID, 400)
			require.NoError(t, err)
			if looked {
				w.lookAt(t, p.ID, p.Provider.PaymentID)
			}
			w.refundingTwice(t, order)

			refunds := w.refunds(t, p.ID)
			require.Len(t, refunds, 2)
			require.Equal(t, []any{"return-1", payment.OutcomeDone}, []any{refunds[0].IdempotencyKey, refunds[0].Outcome})
			require.Equal(t, []any{payment.FromProvider, payment.OutcomeDone, panel}, []any{refunds[1].Origin, refunds[1].Outcome, refunds[1].ProviderID})
			sum, n := w.given(p.ID)
			require.Equal(t, []any{int64(800), 2}, []any{sum, n})
		})
	}
}

// The answer to another refund of ours is still to come: what the provider shows is that one, or may be.
func TestAnotherRefundOfOursIsNotTheLostOne(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"it was made long before this one is sent": true, "it may be either": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			p := w.paid(t)
			w.arm(p.ID, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindErrorAfter, Status: http.StatusBadGateway, Times: 1})
			another, order := refundOrder(p.ID, "return-1", 400), refundOrder(p.ID, "return-2", 400)
			require.Error(t, w.refunding(t, another))
			w.searchUntil = time.Now().Add(time.Hour)
			asked, err := w.AskRefund(t.Context(), order)
			require.NoError(t, err)
			if later {
				w.execute(t, `update operations set sent_at = created_at + interval '1 hour' where provider_key = $1`, asked.ID)
			}
			w.refundingTwice(t, order)
			require.NoError(t, w.refunding(t, another))

			refunds := w.refunds(t, p.ID)
			require.Len(t, refunds, 2)
			for _, r := range refunds {
				require.Equal(t, payment.OutcomeDone, r.Outcome, r.IdempotencyKey)
			}
			sum, n := w.given(p.ID)
			require.Equal(t, []any{int64(800), 2}, []any{sum, n})
		})
	}
}

// refundingTwice sends a refund twice, since its process ends before it stores the answer, and asks for it once more after it has ended.
func (w env) refundingTwice(t *testing.T, in OrderInput) {
	t.Helper()
	asked, err := w.AskRefund(t.Context(), in)
	require.NoError(t, err)
	_, err = w.Refund(t.Context(), RefundInput{PaymentID: in.PaymentID, ID: asked.ID, Amount: asked.Amount})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, w.refunding(t, in))
	}
}
