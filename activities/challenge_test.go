package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"encoding/json"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// challenged is a payment whose buyer has still to pass a challenge.
func (w env) challenged(t *testing.T) (ChargeInput, payment.Payment) {
	t.Helper()
	in := w.cardOf(t, "APRO")
	r := httptest.NewRecorder()
	body := fmt.Sprintf(`{"card_number": %q, "cardholder": {"name": "APRO"}}`, simulator.ChallengeCard)
	w.provider.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	var token struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &token))
	in.Creation.Secrets.Token = token.ID
	in.Creation.Request.Method.Card.ThreeDSecure = payment.ThreeDSecureOptional
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	charge := ChargeInput{PaymentID: in.PaymentID, Secrets: in.Creation.Secrets}
	var p payment.Payment
	for range 2 {
		state, err := w.Charge(t.Context(), charge)
		require.NoError(t, err)
		require.Equal(t, payment.Pending, state.Status)
		p = w.apply(t, in.PaymentID, state)
	}
	require.Equal(t, 1, w.charges(in.PaymentID))
	return charge, p
}

// The buyer gets the page, and a later run knows what it waits for.
func TestAChallengeIsStored(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	in, p := w.challenged(t)
	require.Contains(t, p.Instructions.Challenge.URL, "/3ds/"+p.Provider.PaymentID)
	require.NotEmpty(t, p.Instructions.Challenge.CReq)
	require.WithinDuration(t, time.Now().Add(15*time.Minute), p.Instructions.ExpiresAt, time.Minute)
	state, err := w.Open(t.Context(), OpenInput{PaymentID: in.PaymentID})
	require.NoError(t, err)
	require.True(t, state.Challenged)
	require.False(t, state.KeepsEnd)

	require.NoError(t, w.provider.PassChallenge(p.Provider.PaymentID))
	seen, err := w.Look(t.Context(), LookInput{PaymentID: p.ID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount})
	require.NoError(t, err)
	p = w.apply(t, p.ID, seen.State)
	require.Equal(t, payment.Approved, p.Status)
	require.Nil(t, p.Instructions.Challenge)
	require.Zero(t, p.Instructions.ExpiresAt)
}

// Nobody finishes it: closing it twice closes it once, and the payment has expired.
func TestAnUnfinishedChallengeIsClosedOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	_, p := w.challenged(t)
	require.NoError(t, w.provider.Age(p.Provider.PaymentID, 16*time.Minute))
	look := LookInput{PaymentID: p.ID, ProviderPaymentID: p.Provider.PaymentID, Money: p.Amount}
	seen, err := w.Look(t.Context(), look)
	require.NoError(t, err)
	w.apply(t, p.ID, seen.State)
	for range 2 {
		seen, err := w.Close(t.Context(), look)
		require.NoError(t, err)
		p = w.apply(t, p.ID, seen.State)
		require.Equal(t, payment.Expired, p.Status)
	}
	closed := 0
	for _, e := range w.provider.Ledger() {
		if e.ExternalReference == p.ID && e.Status == "cancelled" {
			closed++
		}
	}
	require.Equal(t, 1, closed)
}
