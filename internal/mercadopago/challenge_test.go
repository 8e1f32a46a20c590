package mercadopago

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// Mercado Pago's guide and its SDKs spell the block in two ways. Whatever cannot be shown to a browser is still a challenge, with an end.
func TestAChallengeIsRead(t *testing.T) {
	t.Parallel()
	const page = `{"external_resource_url":"https://acs.bank.example/challenge?id=7","creq":"eyJhIjoxfQ"}`
	shown := &payment.Challenge{URL: "https://acs.bank.example/challenge?id=7", CReq: "eyJhIjoxfQ"}
	for block, want := range map[string]*payment.Challenge{
		`"three_dsinfo":` + page:                      shown,
		`"three_ds_info":` + page:                     shown,
		`"three_ds_info":[` + page + `]`:              shown,
		`"three_dsinfo":null,"three_ds_info":` + page: shown,
		`"three_dsinfo":null`:                         {},
		`"three_dsinfo":{"external_resource_url":"javascript:alert(1)","creq":"eyJhIjoxfQ"}`:       {},
		`"three_dsinfo":{"external_resource_url":"//acs.bank.example","creq":"eyJhIjoxfQ"}`:        {},
		`"three_dsinfo":{"external_resource_url":"https://acs.bank.example","creq":"\"><script>"}`: {},
		`"three_dsinfo":{"external_resource_url":"https://acs.bank.example"}`:                      {},
	} {
		body := strings.TrimSuffix(minimal("pending", "pending_challenge"), "}") + `,"date_created":"2026-11-23T15:20:00.000-04:00",` + block + "}"
		state, err := reader{}.payment([]byte(body))
		require.NoError(t, err, block)
		require.Equal(t, payment.Pending, state.Status)
		require.Equal(t, want, state.Challenge, block)
		require.Equal(t, time.Date(2026, 11, 23, 19, 35, 0, 0, time.UTC), state.ExpiresAt.UTC(), "15 minutes after it was made")
	}
	for _, detail := range []string{"pending_waiting_for_remedy", "pending_provider_response"} {
		state, err := reader{}.payment([]byte(strings.TrimSuffix(minimal("pending", detail), "}") + `,"three_dsinfo":` + page + "}"))
		require.NoError(t, err)
		require.Nil(t, state.Challenge, detail)
		require.Zero(t, state.ExpiresAt, detail)
	}
}

// 3-D Secure is asked for only when the client app wants it, and never with binary_mode, which would refuse every challenge.
func TestTheRequestOfThreeDSecure(t *testing.T) {
	t.Parallel()
	for _, wish := range []payment.ThreeDSecure{"", payment.ThreeDSecureOptional} {
		var sent map[string]any
		c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, minimal("approved", "accredited"))
		}), timeout)
		p := cardPayment("3ds")
		p.Method.Card.ThreeDSecure = wish
		_, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Secrets: payment.CardSecrets{Token: strings.Repeat("a", 32)}, Key: "k"})
		require.NoError(t, err)
		require.NotContains(t, sent, "binary_mode")
		if wish == "" {
			require.NotContains(t, sent, "three_d_secure_mode")
		} else {
			require.Equal(t, "optional", sent["three_d_secure_mode"])
		}
	}
}
