package mercadopago

import (
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
