package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

const checkoutBody = `{
  "amount": 15900, "currency": "BRL", "reference": "order-1042",
  "items": [{"title": "Camiseta", "quantity": 2, "unit_price": 4950}, {"title": "Caneca", "unit_price": 6000}],
  "exclude": ["boleto"], "installments": 3, "expires_in": 3600, "payer": {"email": "ana@example.com"},
  "back_urls": {"success": "https://shop.example.com/thanks"}, "refund_duplicates": true, "metadata": {"cart": "c-7"}
}`

func TestACheckoutIsCreatedReadAndCancelled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.post(t, "/v1/checkouts", "order-1042", checkoutBody)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	golden(t, "checkout_open", w)
	made := decode[Checkout](t, w)
	require.Equal(t, payment.NewCheckoutID("shop", "order-1042"), made.ID)
	require.NotEqual(t, payment.NewID("shop", "order-1042"), made.ID, "a payment and a checkout with one key are two things")
	require.Equal(t, made.Links.Self, w.Header().Get("Location"))
	require.JSONEq(t, w.Body.String(), f.get(t, "/v1/checkouts/"+made.ID).Body.String())

	again := f.post(t, "/v1/checkouts", "order-1042", checkoutBody)
	require.Equal(t, http.StatusCreated, again.Code)
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Equal(t, w.Body.String(), again.Body.String())
	require.Len(t, f.engine.checkouts, 1)
	other := f.post(t, "/v1/checkouts", "order-1042", strings.Replace(checkoutBody, "order-1042", "order-1043", 1))
	require.Equal(t, http.StatusUnprocessableEntity, other.Code, "%s", other.Body)

	for range 2 {
		cancelled := f.post(t, "/v1/checkouts/"+made.ID+"/cancel", "", "")
		require.Equal(t, http.StatusOK, cancelled.Code, "%s", cancelled.Body)
		view := decode[Checkout](t, cancelled)
		require.Equal(t, CheckoutCancelled, view.Status)
		require.Empty(t, view.Links.Pay, "the page is closed")
	}
}

// What is wrong with the request is said at once.
func TestACheckoutIsRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.post(t, "/v1/checkouts", "k", `{
  "amount": 15900, "currency": "BRL", "items": [{"title": "Camiseta", "unit_price": 4950}], "expires_in": 3600,
  "exclude": ["pix", "boleto", "credit_card", "debit_card", "prepaid_card"], "back_urls": {"success": "http://localhost/thanks"}, "payer": {"email": "ana"}
}`)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code, "%s", w.Body)
	for _, pointer := range []string{"/items", "/exclude", "/back_urls/success", "/payer/email"} {
		require.Contains(t, w.Body.String(), `"`+pointer+`"`)
	}
	require.Empty(t, f.engine.checkouts)
}

// The provider may take its time; the checkout exists all the same.
func TestACheckoutIsAcceptedBeforeTheProviderAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.answers = false
	w := f.post(t, "/v1/checkouts", "k", `{"amount": 1050, "currency": "BRL"}`)
	require.Equal(t, http.StatusAccepted, w.Code, "%s", w.Body)
	made := decode[Checkout](t, w)
	require.Equal(t, CheckoutProcessing, made.Status)
	require.Empty(t, made.Links.Pay)
	delete(f.database.checkouts, made.ID)
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/checkouts/"+made.ID).Code, "it is not written yet")
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/checkouts/"+payment.NewCheckoutID("rival", "k")).Code)
}

// A run that has ended answers that the checkout is there, and a restore has lost its row.
func TestACheckoutWhoseRowIsLostIsMadeAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.engine.ended = true
	w := f.post(t, "/v1/checkouts", "order-1042", checkoutBody)
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	require.Equal(t, CheckoutOpen, decode[Checkout](t, w).Status)
	require.Len(t, f.engine.checkouts, 2)
}

func TestCheckoutsAreListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, key := range []string{"a", "b", "c"} {
		require.Equal(t, http.StatusCreated, f.post(t, "/v1/checkouts", key, `{"amount": 1050, "currency": "BRL"}`).Code)
	}
	paid := payment.NewCheckoutID("shop", "b")
	c := f.database.checkouts[paid]
	c.Status, c.PaidBy = payment.CheckoutPaid, payment.Attempt{CheckoutID: paid, ProviderPaymentID: "106400160592"}.ID()
	f.database.checkouts[paid] = c
	list := func(query string) CheckoutList {
		w := f.get(t, "/v1/checkouts"+query)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		return decode[CheckoutList](t, w)
	}
	require.Len(t, list("").Data, 3)
	first := list("?limit=2")
	require.Len(t, first.Data, 2)
	require.Len(t, list("?limit=2&cursor="+first.NextCursor).Data, 1)
	require.Equal(t, c.PaidBy, list("?status=paid").Data[0].PaidBy)
	require.Empty(t, list("?status=paid").Data[0].Links.Pay)
	require.Equal(t, http.StatusConflict, f.post(t, "/v1/checkouts/"+paid+"/cancel", "", "").Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/checkouts?status=approved").Code)
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/payments?checkout=x").Code)
}

// A payment cannot be asked for with what only the page of a checkout has.
func TestAPaymentByCheckoutProIsMadeByACheckout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "k", `{"amount": 1050, "currency": "BRL", "method": {"type": "checkout_pro"}, "payer": {"email": "ana@example.com"}}`)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	require.Contains(t, w.Body.String(), "POST /v1/checkouts")
}
