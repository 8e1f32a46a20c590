package mercadopago

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
)

// A call is counted by its operation and its outcome, and by nothing of the payment or the buyer.
func TestCallsAreMeasured(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answering(http.StatusUnauthorized, `{"message": "no"}`), timeout)
	for range 2 {
		_, err := c.Get(t.Context(), "1234567")
		require.Error(t, err)
	}
	_, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("measured"), Key: "key-1"})
	require.Error(t, err)
	text := metricstest.Text(t, c.Collectors()...)
	require.Contains(t, text, `onlywave_provider_call_duration_seconds_count{operation="get",outcome="unauthorized"} 2`)
	require.Contains(t, text, `onlywave_provider_call_duration_seconds_count{operation="create_pix",outcome="unauthorized"} 1`)
	require.Contains(t, text, `onlywave_provider_call_duration_seconds_count{operation="get",outcome="ok"} 0`)
	require.NotContains(t, text, "1234567")
}

// A word of Mercado Pago's that is not known here is counted by what it says, unless it is about another sale of the account. The word itself may be anything, and is no label.
func TestWordsThatAreNotKnownAreCounted(t *testing.T) {
	t.Parallel()
	const other = `"transaction_amount": 1, "date_created": "2026-11-23T12:00:00Z"`
	const sale = other + `, "external_reference": "0b8e6a52-6d53-5d0a-9a5b-0f6f0d9b5a11"`
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bodies := map[string]string{
			"/v1/payments/1":             `{"id": 1, "status": "tomorrow", ` + sale + `}`,
			"/v1/payments/2":             `{"id": 2, "status": "rejected", "status_detail": "cc_rejected_of_tomorrow", ` + sale + `}`,
			"/v1/payments/3":             `{"id": 3, "status": "approved", "refunds": [{"id": 4, "amount": 1, "status": "tomorrow"}], ` + sale + `}`,
			"/v1/payments/5":             `{"id": 5, "status": "rejected", "status_detail": "cc_rejected_high_risk", "refunds": [{"id": 6, "amount": 1, "status": "in_process"}], ` + sale + `}`,
			"/v1/payments/10":            `{"id": 10, "status": "rejected", "status_detail": "cc_rejected_of_tomorrow", "refunds": [{"id": 4, "amount": 1, "status": "tomorrow"}], ` + other + `}`,
			"/v1/chargebacks/7":          `{"id": 7, "payments": [8], "documentation_status": "tomorrow"}`,
			"/v1/chargebacks/search":     `{"results": [{"id": 7, "payments": [8], "documentation_status": "tomorrow"}]}`,
			"/post-purchase/v1/claims/9": `{"id": 9, "status": "tomorrow"}`,
		}
		io.WriteString(w, bodies[r.URL.Path])
	}), timeout)
	_, err := c.Get(t.Context(), "1")
	require.Error(t, err)
	for _, id := range []string{"2", "3", "5", "10"} {
		_, err := c.Get(t.Context(), id)
		require.NoError(t, err)
	}
	_, err = c.Chargeback(t.Context(), "7")
	require.NoError(t, err)
	_, err = c.Chargebacks(t.Context(), "8")
	require.NoError(t, err)
	_, err = c.Claim(t.Context(), "9")
	require.NoError(t, err)
	text := metricstest.Text(t, c.Collectors()...)
	for kind, count := range map[string]int{wordStatus: 1, wordRejection: 1, wordRefund: 1, wordDispute: 3} {
		require.Contains(t, text, fmt.Sprintf("onlywave_provider_words_unknown_total{kind=%q} %d\n", kind, count))
	}
	require.NotContains(t, text, "tomorrow")
}
