package mercadopago

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// paid is a payment of 1050 centavos that the buyer has paid.
func paid(t *testing.T, s *simulator.Simulator, c *Client, name string) payment.Payment {
	t.Helper()
	p := somePayment(name)
	created, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: name})
	require.NoError(t, err)
	require.NoError(t, s.Pay(created.PaymentID))
	p.Provider.PaymentID = created.PaymentID
	return p
}

func TestRefundsOfAPayment(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	p := paid(t, s, c, "refunds")
	first, err := c.Refund(t.Context(), p, 100, "k-1")
	require.NoError(t, err)
	require.Equal(t, payment.ProviderRefund{ID: first.ID, Amount: 100, Outcome: payment.OutcomeDone, CreatedAt: first.CreatedAt}, first)
	again, err := c.Refund(t.Context(), p, 100, "k-1")
	require.NoError(t, err)
	require.Equal(t, first, again)

	s.AddFault(simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindInProcess, Times: 1})
	slow, err := c.Refund(t.Context(), p, 200, "k-2")
	require.NoError(t, err, "a refund in process is no refusal")
	require.Equal(t, payment.OutcomeAsked, slow.Outcome)
	state, err := c.Get(t.Context(), p.Provider.PaymentID)
	require.NoError(t, err)
	require.Equal(t, payment.PartiallyRefunded, state.Status)
	require.Equal(t, int64(100), state.Refunded)
	require.Equal(t, []payment.ProviderRefund{first, slow}, state.Refunds)

	_, err = c.Refund(t.Context(), p, p.Amount.Centavos-200, "k-3")
	require.Equal(t, failure.Invalid, failure.KindOf(err), "%v", err)
	require.ErrorContains(t, err, failure.CodeAmount.Message())
	s.AddFault(simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 2031})
	_, err = c.Refund(t.Context(), p, 1, "k-4")
	require.Equal(t, failure.Invalid, failure.KindOf(err), "%v", err)
	require.ErrorContains(t, err, failure.CodeRefundBalance.Message())
}

// A sum of 0 would refund everything.
func TestNoSumIsNoRefund(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	p := paid(t, s, c, "no sum")
	for _, centavos := range []int64{0, -1, p.Amount.Centavos + 1} {
		_, err := c.Refund(t.Context(), p, centavos, "k")
		require.Error(t, err)
	}
	_, err := c.Refund(t.Context(), p, 1, "")
	require.Error(t, err)
	for _, e := range s.Ledger() {
		require.Nil(t, e.Refund)
	}
}

// Some payments can be refunded as a whole only, which Mercado Pago knows by the empty body.
func TestARefundOfAllHasNoAmount(t *testing.T) {
	t.Parallel()
	var bodies []string
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Idempotency-Key")+" "+r.Header.Get("X-Render-In-Process-Refunds")+" "+string(body))
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id": 7, "amount": "10.5", "status": "new word", "date_created": ""}`)
	}), timeout)
	p := somePayment("whole")
	p.Provider.PaymentID = "106400160592"
	whole, err := c.Refund(t.Context(), p, p.Amount.Centavos, "k-1")
	require.NoError(t, err)
	require.Equal(t, payment.ProviderRefund{ID: "7", Amount: 1050, Outcome: payment.OutcomeAsked}, whole, "a word that is not known is no end")
	_, err = c.Refund(t.Context(), p, 1, "k-2")
	require.NoError(t, err)
	require.Equal(t, []string{
		"POST /v1/payments/106400160592/refunds k-1 true ",
		`POST /v1/payments/106400160592/refunds k-2 true {"amount":0.01}`,
	}, bodies)
}
