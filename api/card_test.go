package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

const cardBody = `{"amount": 29900, "currency": "BRL", "method": {"type": "card", "token": "e3ed6f098462036dd2cbabe314b9de2a",
 "payment_method_id": "visa", "installments": 3, "issuer_id": "25", "statement_descriptor": "LOJA", "device_id": "armor.1"},
 "payer": {"email": "ana@example.com", "tax_id": "12345678909"}}`

func TestACardIsCreatedAndItsTokenIsNotShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.wrote = func(p payment.Payment) {
		f.database.set(p.ID, func(p *payment.Payment) {
			p.Status, p.Instructions = payment.Rejected, payment.Instructions{LastFour: "6351"}
			p.Provider.Status, p.Provider.StatusDetail = "rejected", "cc_rejected_insufficient_amount"
		})
	}
	w := f.create(t, "order-1043", cardBody)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "payment_card_rejected", w)
	require.NotContains(t, w.Body.String(), "e3ed6f098462036dd2cbabe314b9de2a")
	require.NotContains(t, w.Body.String(), "armor.1")
	require.Equal(t, payment.CardSecrets{Token: "e3ed6f098462036dd2cbabe314b9de2a", DeviceID: "armor.1"}, f.engine.asked[0].Secrets)

	again := f.create(t, "order-1043", strings.ReplaceAll(cardBody, "armor.1", "armor.2"))
	require.Equal(t, w.Body.String(), again.Body.String())
	require.Len(t, f.engine.asked, 1, "a rejected card is not charged again")
	other := f.create(t, "order-1043", strings.ReplaceAll(cardBody, "e3ed6f", "f3ed6f"))
	require.Equal(t, http.StatusUnprocessableEntity, other.Code)
	require.Contains(t, other.Body.String(), "idempotency_key_reused")
}

// The contract has the fields of all methods in one object. Those of another method are refused.
func TestAFieldOfAnotherMethodIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for body, at := range map[string]string{
		strings.ReplaceAll(cardBody, `"type": "card"`, `"type": "card", "expires_in": 3600`):      "/method/expires_in",
		strings.ReplaceAll(goodBody, `"type": "pix"`, `"type": "pix", "installments": 2`):         "/method/installments",
		strings.ReplaceAll(cardBody, `"token": "e3ed6f098462036dd2cbabe314b9de2a",`, ``):          "/method/token",
		strings.ReplaceAll(cardBody, `e3ed6f098462036dd2cbabe314b9de2a`, `5031 4332 1540 6351 5`): "/method/token",
	} {
		w := f.create(t, "k", body)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Contains(t, w.Body.String(), `"pointer":"`+at+`"`, body)
		require.Empty(t, f.engine.asked)
	}
}

// The buyer's browser gets the bank's page while the payment waits for it, and not afterwards.
func TestAChallengeIsShownWhileItWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.wrote = func(p payment.Payment) {
		f.database.set(p.ID, func(p *payment.Payment) {
			p.Status = payment.Pending
			p.Instructions = payment.Instructions{
				LastFour: "4623", ExpiresAt: time.Date(2026, 11, 23, 19, 47, 45, 0, time.UTC),
				Challenge: &payment.Challenge{URL: "https://acs.bank.example/challenge", CReq: "eyJhIjoxfQ"},
			}
			p.Provider.Status, p.Provider.StatusDetail = "pending", "pending_challenge"
		})
	}
	w := f.create(t, "order-1045", strings.Replace(cardBody, `"type": "card"`, `"type": "card", "three_d_secure": "optional"`, 1))
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "payment_card_challenge", w)
	require.Equal(t, payment.ThreeDSecureOptional, f.engine.asked[0].Request.Method.Card.ThreeDSecure)

	id := decode[Payment](t, w).ID
	f.database.set(id, func(p *payment.Payment) { p.Status = payment.Approved })
	require.NotContains(t, f.get(t, "/v1/payments/"+id).Body.String(), "acs.bank.example")
	wrong := f.create(t, "k", strings.Replace(cardBody, `"type": "card"`, `"type": "card", "three_d_secure": "mandatory"`, 1))
	require.Equal(t, http.StatusUnprocessableEntity, wrong.Code)
}

// Without a token the buyer enters the card on the pay page, where there is one that takes cards.
func TestACardMayBeEnteredOnThePayPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body := `{"amount": 29900, "currency": "BRL", "method": {"type": "card", "installments": 3, "expires_in": 3600}, "payer": {"email": "ana@example.com"}}`
	w := f.create(t, "k", body)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), `"pointer":"/method/token"`)
	require.Contains(t, w.Body.String(), "MERCADOPAGO_PUBLIC_KEY")

	f.withCards(t)
	f.engine.wrote = func(p payment.Payment) {
		f.database.set(p.ID, func(p *payment.Payment) {
			p.Status, p.Provider, p.Instructions = payment.Pending, payment.NewProvider(), payment.Instructions{ExpiresAt: p.CreatedAt.Add(time.Hour)}
			p.Instructions.Entered = &payment.Entered{CardEntry: payment.CardEntry{Brand: "visa", Installments: 2, IssuerID: "25"}, Attempt: 1, Rejected: "cc_rejected_insufficient_amount"}
		})
	}
	w = f.create(t, "k", body)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "payment_card_entered", w)
	require.True(t, f.engine.asked[0].Request.OnPage())
	require.Equal(t, 3600, f.engine.asked[0].Request.Method.ExpiresIn)

	for wrong, at := range map[string]string{
		strings.Replace(body, `"installments": 3`, `"payment_method_id": "visa"`, 1):         "/method/token",
		strings.Replace(body, `"expires_in": 3600`, `"issuer_id": "25"`, 1):                  "/method/token",
		strings.Replace(body, `"expires_in": 3600`, `"expires_in": 2592000`, 1):              "/method/expires_in",
		strings.Replace(body, `"expires_in": 3600`, `"expires_in": 60`, 1):                   "/method/expires_in",
		strings.Replace(cardBody, `"type": "card"`, `"type": "card", "expires_in": 3600`, 1): "/method/expires_in",
	} {
		w := f.create(t, "wrong", wrong)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, wrong)
		require.Contains(t, w.Body.String(), `"pointer":"`+at+`"`, wrong)
	}
}
