package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

var reserveBody = strings.Replace(cardBody, `"type": "card"`, `"type": "card", "capture": false`, 1)

// The client app captures its own payment, all of it or a part, without a reason.
func TestReservedMoneyIsCaptured(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.wrote = func(p payment.Payment) {
		f.database.set(p.ID, func(p *payment.Payment) {
			p.Status, p.Instructions = payment.Authorized, payment.Instructions{LastFour: "6351", ExpiresAt: time.Date(2026, 12, 2, 12, 0, 0, 0, time.UTC)}
			p.Provider.Status, p.Provider.StatusDetail = "authorized", "pending_capture"
		})
	}
	w := f.create(t, "order-1044", reserveBody)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "payment_card_authorized", w)
	require.True(t, f.engine.asked[0].Request.AuthorizesOnly())
	id := decode[Payment](t, w).ID

	f.engine.orders = nil
	for _, body := range []string{`{"amount": 12000}`, `{"reason": "shipped"}`} {
		require.Equal(t, http.StatusOK, f.post(t, "/v1/payments/"+id+"/capture", "", body).Code, body)
	}
	require.Equal(t, []int64{12000, 0}, []int64{f.engine.orders[0].Amount, f.engine.orders[1].Amount})
	require.Equal(t, command.Capture, f.engine.orders[0].Command)
	require.True(t, f.engine.orders[0].ByClient)

	f.database.set(id, func(p *payment.Payment) { p.Status, p.Captured = payment.Approved, 12000 })
	again := f.post(t, "/v1/payments/"+id+"/capture", "", `{"amount": 12000}`)
	require.Equal(t, http.StatusOK, again.Code, "%s", again.Body)
	require.Equal(t, int64(12000), decode[Payment](t, again).AmountCaptured)
	require.Empty(t, decode[Payment](t, again).Method.CaptureBefore)
	require.Equal(t, http.StatusConflict, f.post(t, "/v1/payments/"+id+"/capture", "", `{"amount": 13000}`).Code)
	require.Len(t, f.engine.orders, 2, "what is captured already, or cannot be, reaches no workflow")

	for body, status := range map[string]int{`{"amount": -1}`: http.StatusUnprocessableEntity, `{"reason": "card 4235 6477 2802 5682"}`: http.StatusUnprocessableEntity} {
		require.Equal(t, status, f.post(t, "/v1/payments/"+id+"/capture", "", body).Code, body)
	}
	reader := "Bearer " + f.addKey("shop", access.ScopePaymentsRead)
	require.Equal(t, http.StatusForbidden, f.post(t, "/v1/payments/"+id+"/capture", "", `{}`, "Authorization", reader).Code)
	other := "Bearer " + f.addKey("another", access.ScopePaymentsWrite)
	require.Equal(t, http.StatusNotFound, f.post(t, "/v1/payments/"+id+"/capture", "", `{}`, "Authorization", other).Code)
}

// A debit card is charged at once.
func TestADebitCardIsNotReserved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "k", strings.NewReplacer(`"visa"`, `"debvisa"`, `"installments": 3`, `"installments": 1`).Replace(reserveBody))
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), `"pointer":"/method/capture"`)
}
