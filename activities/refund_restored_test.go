package activities

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// A restore of the database has lost the rows of refunds, and the provider has forgotten their keys: whoever asks again gets the refund that was
// made, and no second one.
func TestARefundWhoseRowIsLostIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		amounts []int64 // 0 is all that is left
		looked  bool    // at the payment, between the restore and the repeated request
	}{
		"a part":                         {amounts: []int64{400}},
		"a part that was looked at":      {amounts: []int64{400}, looked: true},
		"most, and looked at":            {amounts: []int64{700}, looked: true},
		"all":                            {amounts: []int64{0}},
		"all, and looked at":             {amounts: []int64{0}, looked: true},
		"two equal parts":                {amounts: []int64{400, 400}},
		"two equal parts, looked at":     {amounts: []int64{400, 400}, looked: true},
		"a part and the rest, looked at": {amounts: []int64{300, 0}, looked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			p := w.paid(t)
			ask := func() {
				for n, amount := range c.amounts {
					require.NoError(t, w.refunding(t, refundOrder(p.ID, fmt.Sprint("return-", n), amount)))
				}
			}
			restore := w.backUp(t, p.ID)
			ask()
			sum, made := w.given(p.ID)
			restore()
			w.searchUntil, w.sendsAt = time.Now().Add(time.Hour), time.Now().Add(time.Hour)
			w.arm(p.ID, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindForgottenKey})
			if c.looked {
				w.lookAt(t, p.ID, p.Provider.PaymentID)
			}
			for range 2 {
				ask()
			}
			sumAfter, madeAfter := w.given(p.ID)
			require.Equal(t, []any{sum, made}, []any{sumAfter, madeAfter})
			done := int64(0)
			for _, r := range w.refunds(t, p.ID) {
				if r.Outcome == payment.OutcomeDone {
					require.Equal(t, payment.FromClient, r.Origin)
					done += r.Amount
				}
			}
			require.Equal(t, sum, done)
		})
	}
}

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
