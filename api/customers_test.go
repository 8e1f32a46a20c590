package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// token makes a token, as the buyer's browser does.
func (p *standIn) token(t *testing.T, body string) string {
	t.Helper()
	w := httptest.NewRecorder()
	p.simulator().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &made))
	return made.ID
}

const (
	ana     = `{"email": "ana@example.com", "name": "Ana Souza", "tax_id": "123.456.789-09"}`
	newCard = `{"card_number": "5031433215406351", "expiration_month": 11, "expiration_year": 2030, "cardholder": {"name": "APRO"}}`
)

func (f *fixture) send(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.do(t, method, path, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (f *fixture) customer(t *testing.T) Customer {
	t.Helper()
	w := f.send(t, http.MethodPost, "/v1/customers", ana)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	return decode[Customer](t, w)
}

func (f *fixture) card(t *testing.T, customer Customer) SavedCard {
	t.Helper()
	w := f.send(t, http.MethodPost, "/v1/customers/"+customer.ID+"/cards", `{"token": "`+f.provider.token(t, newCard)+`"}`)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	return decode[SavedCard](t, w)
}

// One e-mail address is one customer of the client app, whatever was lost on the way; a customer of another one is not there.
func TestACustomerIsCreatedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.NewCustomer, Kind: simulator.KindLostAnswer, Times: 1}})
	lost := f.send(t, http.MethodPost, "/v1/customers", ana)
	require.Equal(t, http.StatusServiceUnavailable, lost.Code)
	made := f.customer(t)
	again := f.send(t, http.MethodPost, "/v1/customers", strings.ReplaceAll(ana, "ana@", " Ana@"))
	require.Equal(t, http.StatusOK, again.Code)
	require.Equal(t, made.ID, decode[Customer](t, again).ID)
	require.Equal(t, made.ID, decode[Customer](t, f.get(t, "/v1/customers/"+made.ID)).ID)

	rival := "Bearer " + f.addKey("rival", "payments:read", "payments:write")
	theirs := decode[Customer](t, f.send(t, http.MethodPost, "/v1/customers", ana, "Authorization", rival))
	require.Equal(t, made.ProviderCustomerID, theirs.ProviderCustomerID)
	require.NotEqual(t, made.ID, theirs.ID)
	card := f.card(t, made)
	for _, path := range []string{"", "/cards", "/cards/" + card.ID} {
		require.Equal(t, http.StatusNotFound, f.get(t, "/v1/customers/"+made.ID+path, "Authorization", rival).Code)
		require.Equal(t, http.StatusNotFound, f.get(t, "/v1/customers/"+payment.NewID("x", "y")+path).Code)
	}
	for _, path := range []string{"", "/cards/" + card.ID} {
		require.Equal(t, http.StatusNotFound, f.send(t, http.MethodDelete, "/v1/customers/"+made.ID+path, "", "Authorization", rival).Code)
	}
	require.Equal(t, http.StatusForbidden, f.send(t, http.MethodPost, "/v1/customers", ana, "Authorization", "Bearer "+f.readKey).Code)

	for body, at := range map[string]string{`{"email": "ana"}`: "/email", `{"email": "ana@example.com", "tax_id": "1"}`: "/tax_id", `{"name": "Ana"}`: "/email"} {
		w := f.send(t, http.MethodPost, "/v1/customers", body)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, body)
		require.Contains(t, w.Body.String(), `"pointer":"`+at+`"`, body)
	}
	require.NotContains(t, f.logs.String(), "ana@example.com")
	f.database.setUnavailable(errUnavailable)
	require.Equal(t, http.StatusServiceUnavailable, f.send(t, http.MethodPost, "/v1/customers", ana).Code)
}

// A card whose answer was lost is found by the same token, which is in no answer and no log.
func TestACardIsSavedAndRemoved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	customer := f.customer(t)
	cards, token := "/v1/customers/"+customer.ID+"/cards", f.provider.token(t, newCard)
	save := func(token string) *httptest.ResponseRecorder {
		return f.send(t, http.MethodPost, cards, `{"token": "`+token+`"}`)
	}
	f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.SaveCard, Kind: simulator.KindLostAnswer, Times: 1}})
	require.Equal(t, http.StatusServiceUnavailable, save(token).Code)
	w := save(token)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	card := decode[SavedCard](t, w)
	require.Equal(t, []any{"master", "503143", "6351", 11, 2030, customer.ID},
		[]any{card.PaymentMethodID, card.FirstSix, card.LastFour, card.ExpirationMonth, card.ExpirationYear, card.CustomerID})
	again := save(token)
	require.Equal(t, http.StatusOK, again.Code)
	require.Equal(t, card.ID, decode[SavedCard](t, again).ID)
	require.NotContains(t, w.Body.String()+f.logs.String(), token)
	require.Len(t, decode[SavedCardList](t, f.get(t, cards)).Data, 1)
	require.Equal(t, card.ID, decode[SavedCard](t, f.get(t, cards+"/"+card.ID)).ID)
	for _, wrong := range []string{"5031433215406351", "0123456789abcdef0123456789abcdef"} {
		w := save(wrong)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code)
		require.Contains(t, w.Body.String(), `"pointer":"/token"`)
	}

	f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.SavedCards, Kind: simulator.KindLostAnswer, Times: 1}})
	remove := func(path string) int { return f.send(t, http.MethodDelete, path, "").Code }
	require.Equal(t, http.StatusServiceUnavailable, remove(cards+"/"+card.ID))
	require.Equal(t, http.StatusNotFound, f.get(t, cards+"/"+card.ID).Code, "it is hidden at once")
	require.Equal(t, http.StatusNoContent, remove(cards+"/"+card.ID))
	require.Equal(t, http.StatusNotFound, remove(cards+"/"+card.ID))
	f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.Customers, Kind: simulator.KindErrorAfter, Times: 1}})
	require.Equal(t, http.StatusServiceUnavailable, remove("/v1/customers/"+customer.ID))
	require.Equal(t, http.StatusNoContent, remove("/v1/customers/"+customer.ID))
	require.Equal(t, http.StatusNotFound, remove("/v1/customers/"+customer.ID))
	require.Equal(t, http.StatusNotFound, remove("/v1/customers/"+customer.ID+"/cards/no-id"))
	require.NotEqual(t, customer.ProviderCustomerID, f.customer(t).ProviderCustomerID)
}

// The workflow gets the provider's id of the customer; a customer that the client app does not have is a wrong field.
func TestAPaymentByASavedCard(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	customer := f.customer(t)
	body := strings.ReplaceAll(cardBody, `"installments": 3`, `"installments": 3, "three_d_secure": "optional", "customer_id": "`+customer.ID+`"`)
	w := f.create(t, "saved", body)
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	shown := decode[Payment](t, w).Method
	require.Equal(t, []string{customer.ID, "optional"}, []string{shown.CustomerID, shown.ThreeDSecure})
	require.NotContains(t, w.Body.String(), customer.ProviderCustomerID)
	require.Equal(t, customer.ProviderCustomerID, f.engine.asked[0].Request.Method.Card.ProviderCustomerID)

	unknown := strings.ReplaceAll(body, customer.ID, payment.NewID("x", "y"))
	for name, w := range map[string]*httptest.ResponseRecorder{
		"unknown": f.create(t, "other", unknown), "no id": f.create(t, "other", strings.ReplaceAll(body, customer.ID, "ana")),
		"of another": f.create(t, "other", body, "Authorization", "Bearer "+f.addKey("rival", "payments:write")),
	} {
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, name)
		require.Contains(t, w.Body.String(), `"pointer":"/method/customer_id"`, name)
	}
	require.Len(t, f.engine.asked, 1)

	// The payment stays when its customer goes, whether the provider has answered or not.
	require.Equal(t, http.StatusNoContent, f.send(t, http.MethodDelete, "/v1/customers/"+customer.ID, "").Code)
	require.Equal(t, http.StatusCreated, f.create(t, "saved", body).Code)
	f.database.set(decode[Payment](t, w).ID, func(p *payment.Payment) { p.Status = payment.Processing })
	require.NotEqual(t, http.StatusUnprocessableEntity, f.create(t, "saved", body).Code)
	require.Equal(t, http.StatusUnprocessableEntity, f.create(t, "new", body).Code)
}
