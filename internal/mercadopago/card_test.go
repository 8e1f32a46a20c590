package mercadopago

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// tokenOf makes a token of a test card with this holder.
func tokenOf(t *testing.T, s *simulator.Simulator, holder string) string {
	t.Helper()
	w := httptest.NewRecorder()
	body := `{"card_number": "5031433215406351", "cardholder": {"name": "` + holder + `"}}`
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	var made struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &made))
	return made.ID
}

func cardPayment(name string) payment.Payment {
	p := somePayment(name)
	p.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "master", Installments: 3, IssuerID: "25", Descriptor: "ONLYWAVE"}}
	p.Payer.TaxID = "12345678909"
	p.Instructions.ExpiresAt = p.Method.End(p.CreatedAt)
	return p
}

func TestACardIsChargedByTheNameOfItsHolder(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	for _, holder := range simulator.Holders() {
		p := cardPayment(holder)
		r := ChargeRequest{Payment: p, Secrets: payment.CardSecrets{Token: tokenOf(t, s, holder)}, Key: "key-" + holder}
		state, err := c.Charge(t.Context(), r)
		require.NoError(t, err, holder)
		want := payment.Rejected
		switch holder {
		case "APRO":
			want = payment.Approved
		case "CONT":
			want = payment.InReview
		}
		require.Equal(t, want, state.Status, holder)
		require.Empty(t, state.Contradicts(p.ID, "", p.Amount))
		require.Equal(t, "6351", state.LastFour)
		if want == payment.Rejected {
			rejection, known := RejectionOf(state.StatusDetail)
			require.True(t, known, state.StatusDetail)
			require.NotEqual(t, payment.RejectedOtherReasons, rejection.Reason)
		}

		again, err := c.Charge(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, state, again, "the same key and the same body are the same payment")
		r.Key = "another"
		_, err = c.Charge(t.Context(), r)
		refused, _ := errors.AsType[*failure.Error](err)
		require.NotNil(t, refused, "a token is good for one charge")
		require.Equal(t, failure.Invalid, refused.Kind)
		require.Equal(t, failure.CodeCardToken, refused.Code)
	}
}

func TestTheRequestOfACard(t *testing.T) {
	t.Parallel()
	var sent map[string]any
	var device string
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &sent)
		device = r.Header.Get("X-meli-session-id")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, minimal("approved", "accredited"))
	}), timeout)
	_, err := c.Charge(t.Context(), ChargeRequest{
		Payment: cardPayment("sent"), Secrets: payment.CardSecrets{Token: "a-token-of-a-card-of-somebody", DeviceID: "armor.1"}, Key: "key-1",
	})
	require.NoError(t, err)
	require.Equal(t, "armor.1", device)
	for name, value := range map[string]any{
		"token": "a-token-of-a-card-of-somebody", "installments": 3.0, "payment_method_id": "master", "issuer_id": "25", "statement_descriptor": "ONLYWAVE",
	} {
		require.Equal(t, value, sent[name], name)
	}
	require.NotContains(t, sent, "device_id")
	require.NotContains(t, sent, "date_of_expiration")
}

// The SDK takes false for nothing, and Mercado Pago captures by default: it must really be sent, and only when it is asked for.
func TestWhatIsOnlyReservedIsNotCaptured(t *testing.T) {
	t.Parallel()
	for _, reserve := range []bool{false, true} {
		var sent map[string]any
		c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, minimal("authorized", "pending_capture"))
		}), timeout)
		p := cardPayment("reserved")
		p.Method.Card.AuthorizeOnly = reserve
		state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Secrets: payment.CardSecrets{Token: strings.Repeat("a", 32)}, Key: "k"})
		require.NoError(t, err)
		require.Equal(t, payment.Authorized, state.Status)
		require.Equal(t, "master", sent["payment_method_id"])
		capture, has := sent["capture"]
		require.Equal(t, reserve, has)
		if has {
			require.Equal(t, false, capture)
		}
	}
}

// All that is reserved is captured without a sum, because some brands know no other way; less is named.
func TestTheRequestOfACapture(t *testing.T) {
	t.Parallel()
	p := cardPayment("captured")
	p.Provider.PaymentID = "106400160592"
	for centavos, want := range map[int64]map[string]any{
		p.Amount.Centavos: {"capture": true}, 701: {"capture": true, "transaction_amount": 7.01},
	} {
		var sent map[string]any
		var key string
		c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
			key = r.Method + " " + r.Header.Get("X-Idempotency-Key")
			_, _ = io.WriteString(w, minimal("approved", "accredited"))
		}), timeout)
		_, err := c.Capture(t.Context(), p, centavos, "key-1")
		require.NoError(t, err)
		require.Equal(t, want, sent)
		require.Equal(t, "PUT key-1", key)
	}
	c := clientOf(t, answering(http.StatusOK, minimal("approved", "accredited")), timeout)
	for _, centavos := range []int64{-1, 0, p.Amount.Centavos + 1} { // 0 would capture all
		_, err := c.Capture(t.Context(), p, centavos, "key-1")
		require.Error(t, err)
	}
}

// Every detail that Mercado Pago documents for a rejected payment, with what the buyer can do (sections 3.2 to 3.4 of our notes on it).
func TestEveryDocumentedRejectionHasItsAdvice(t *testing.T) {
	t.Parallel()
	table := map[payment.Advice][]string{
		payment.FixData: {
			"cc_rejected_bad_filled_card_number", "cc_rejected_bad_filled_date", "cc_rejected_bad_filled_security_code", "cc_rejected_bad_filled_other",
			"cc_rejected_invalid_installments", "bad_filled_card_data", "invalid_card_token", "invalid_installments",
		},
		payment.CallBank: {
			"cc_rejected_call_for_authorize", "cc_rejected_card_disabled", "cc_amount_rate_limit_exceeded", "cc_rejected_amount_rate_limit_exceeded",
			"required_call_for_authorize", "card_disabled", "amount_limit_exceeded",
		},
		payment.RetryLater: {
			"cc_rejected_time_out", "cc_rejected_card_error", "cc_rejected_other_reason", "bank_error", "processing_error",
		},
		payment.OtherMethod: {
			"cc_rejected_insufficient_amount", "insufficient_amount", "card_insufficient_amount", "cc_rejected_high_risk", "rejected_high_risk", "high_risk",
			"cc_rejected_blacklist", "cc_rejected_max_attempts", "max_attempts_exceeded", "cc_rejected_duplicated_payment",
			"cc_rejected_card_type_not_allowed", "cc_rejected_3ds_challenge", "cc_rejected_3ds_mandatory", "3ds_challenge_expired", "rejected_by_regulations",
			"rejected_by_bank", "bank_rejected", "rejected_by_issuer",
		},
		payment.ContactUs: {"rejected_insufficient_data", "collector_unavailable", "payer_unavailable"},
	}
	listed := 0
	for advice, details := range table {
		for _, detail := range details {
			r, known := RejectionOf(detail)
			require.True(t, known, detail)
			require.Equal(t, advice, r.Advice, detail)
			listed++
		}
	}
	require.Len(t, rejections, listed)
	r, known := RejectionOf("cc_rejected_of_tomorrow")
	require.False(t, known)
	require.Equal(t, payment.RejectedOtherReasons, r.Reason)
}

// A body without any field of a card but a masked expiry decodes.
func TestAMaskedExpiryDecodes(t *testing.T) {
	t.Parallel()
	body := strings.TrimSuffix(minimal("approved", "accredited"), "}") + `, "card": {"expiration_month": "***", "expiration_year": "***", "last_four_digits": 6351}}`
	c := clientOf(t, answering(http.StatusCreated, body), timeout)
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: cardPayment("masked"), Secrets: payment.CardSecrets{Token: strings.Repeat("a", 32)}, Key: "k"})
	require.NoError(t, err)
	require.Equal(t, "6351", state.LastFour)
	for _, wrong := range []string{`"5031433215406351"`, `"63 1"`, `null`, `{}`} {
		body := strings.TrimSuffix(minimal("approved", "accredited"), "}") + `, "card": {"last_four_digits": ` + wrong + `}}`
		state, err := reader{}.payment([]byte(body))
		require.NoError(t, err, wrong)
		require.Empty(t, state.LastFour, wrong)
	}
}
