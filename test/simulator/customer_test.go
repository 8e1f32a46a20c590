package simulator

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func (a account) token(fields map[string]any) string {
	a.t.Helper()
	status, token := a.call("POST", "/v1/card_tokens", "", fields)
	require.Equal(a.t, http.StatusCreated, status, "%v", token)
	return token["id"].(string)
}

func (a account) newToken() string {
	return a.token(map[string]any{"card_number": "5031433215406351", "expiration_month": 11, "expiration_year": 2030, "cardholder": map[string]any{"name": "APRO"}})
}

func (a account) customer(email string) object {
	a.t.Helper()
	status, made := a.call("POST", "/v1/customers", "", map[string]any{"email": email, "first_name": "Ana"})
	require.Equal(a.t, http.StatusCreated, status, "%v", made)
	return made
}

func (a account) refused(method, path string, body any, status int, code any) {
	a.t.Helper()
	got, answer := a.call(method, path, "", body)
	require.Equal(a.t, status, got, "%v", answer)
	if status != http.StatusNotFound {
		require.Equal(a.t, code, answer.at("cause.0.code"))
	}
}

func TestThereIsOneCustomerForEachEmail(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	made := a.customer("ana@example.com")
	a.refused("POST", "/v1/customers", map[string]any{"email": "Ana@example.com"}, http.StatusBadRequest, 101.0)
	a.refused("POST", "/v1/customers", map[string]any{"email": "ana"}, http.StatusBadRequest, 106.0)
	path := "/v1/customers/" + made["id"].(string)
	_, found := a.call("GET", "/v1/customers/search?email="+url.QueryEscape("ana@example.com"), "", nil)
	require.Equal(t, made["id"], found.at("results.0.id"))
	_, found = a.call("GET", "/v1/customers/search?email=bia@example.com", "", nil)
	require.Empty(t, found["results"])
	_, changed := a.call("PUT", path, "", map[string]any{"last_name": "Souza"})
	require.Equal(t, []any{"Ana", "Souza"}, []any{changed["first_name"], changed["last_name"]})
	status, _ := a.call("DELETE", path, "", nil)
	require.Equal(t, http.StatusOK, status)
	a.refused("GET", path, nil, http.StatusNotFound, nil)
	require.NotEqual(t, made["id"], a.customer("ana@example.com")["id"])
}

// A token saves a card once; a token of the saved card pays for its customer alone.
func TestASavedCardPaysForItsCustomer(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	ana, bia := a.customer("ana@example.com")["id"].(string), a.customer("bia@example.com")["id"].(string)
	cards, token := "/v1/customers/"+ana+"/cards", a.newToken()
	status, card := a.call("POST", cards, "", map[string]any{"token": token})
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, []any{"503143", "6351", 11.0, 2030.0, "master"},
		[]any{card["first_six_digits"], card["last_four_digits"], card["expiration_month"], card["expiration_year"], card.at("payment_method.id")})
	a.refused("POST", cards, map[string]any{"token": token}, http.StatusBadRequest, 3003.0)
	a.refused("POST", cards, map[string]any{"token": "0123456789abcdef"}, http.StatusBadRequest, 2006.0)
	_, used := a.call("GET", "/v1/card_tokens/"+token, "", nil)
	require.Equal(t, "used", used["status"])
	_, again := a.call("POST", cards, "", map[string]any{"token": a.newToken()})
	require.Equal(t, card["id"], again["id"], "the same card is saved once")

	a.refused("POST", "/v1/card_tokens", map[string]any{"card_id": card["id"]}, http.StatusBadRequest, "E302")
	pay := func(payer map[string]any) (int, object) {
		saved := a.token(map[string]any{"card_id": card["id"], "security_code": "123"})
		payer["email"] = "ana@example.com"
		return a.call("POST", "/v1/payments", uuid.NewString(), pix(map[string]any{"payment_method_id": "master", "installments": 1, "token": saved, "payer": payer}))
	}
	status, paid := pay(map[string]any{"type": "customer", "id": ana})
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, []any{"approved", "customer", ana, "6351"}, []any{paid["status"], paid.at("payer.type"), paid.at("payer.id"), paid.at("card.last_four_digits")})
	for code, payer := range map[float64]map[string]any{
		2062: {"type": "customer", "id": bia}, 2002: {"type": "customer", "id": "1164726384-aaaaaaaaaaaaaa"},
	} {
		status, refused := pay(payer)
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, code, refused.at("cause.0.code"))
	}
	status, refused := pay(map[string]any{})
	require.Equal(t, []any{http.StatusBadRequest, 2062.0}, []any{status, refused.at("cause.0.code")})

	status, _ = a.call("DELETE", cards+"/"+card["id"].(string), "", nil)
	require.Equal(t, http.StatusOK, status)
	a.refused("GET", cards+"/"+card["id"].(string), nil, http.StatusNotFound, nil)
	a.refused("POST", "/v1/card_tokens", map[string]any{"card_id": card["id"], "security_code": "123"}, http.StatusBadRequest, "E216")
	a.call("DELETE", "/v1/customers/"+ana, "", nil)
	status, refused = a.call("POST", "/v1/payments", uuid.NewString(), pix(map[string]any{
		"payment_method_id": "master", "installments": 1, "token": a.newToken(), "payer": map[string]any{"type": "customer", "id": ana, "email": "ana@example.com"},
	}))
	require.Equal(t, []any{http.StatusBadRequest, 2002.0}, []any{status, refused.at("cause.0.code")})
}
