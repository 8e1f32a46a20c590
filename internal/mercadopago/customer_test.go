package mercadopago

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

var ana = payment.CustomerRequest{Email: "ana@example.com", Name: "Ana Maria de Souza", TaxID: "12345678909"}

// tokenOfSaved makes a token of a saved card, as the buyer's browser does.
func tokenOfSaved(t *testing.T, s *simulator.Simulator, cardID string) string {
	t.Helper()
	w := httptest.NewRecorder()
	body := `{"card_id": "` + cardID + `", "security_code": "123"}`
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	var made struct{ ID string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &made))
	return made.ID
}

// Whatever is lost on the way: one customer for each e-mail address, and the same id every time.
func TestACustomerIsMadeOnce(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]simulator.Fault{
		"nothing is lost":             nil,
		"the answer is lost":          {{On: simulator.NewCustomer, Kind: simulator.KindLostAnswer, Times: 1}},
		"the answer is cut off":       {{On: simulator.NewCustomer, Kind: simulator.KindTruncated, Times: 1}},
		"the answer is empty":         {{On: simulator.NewCustomer, Kind: simulator.KindEmpty, Times: 1}},
		"it fails afterwards":         {{On: simulator.NewCustomer, Kind: simulator.KindErrorAfter, Times: 1}},
		"the search does not have it": {{On: simulator.NewCustomer, Kind: simulator.KindLostAnswer, Times: 1}, {On: simulator.Customers, Kind: simulator.KindSearchLag, Times: 3}},
	} {
		s, c := simulated(t, simulator.Config{})
		s.SetFaults(faults)
		var id string
		for tries := 0; ; tries++ {
			require.Less(t, tries, 4, name)
			found, err := c.Customer(t.Context(), ana)
			if err == nil {
				id = found
				break
			}
			require.Equal(t, failure.Unavailable, failure.KindOf(err), name)
		}
		for _, again := range []string{"ana@example.com", "Ana@Example.com"} {
			found, err := c.Customer(t.Context(), payment.CustomerRequest{Email: again})
			require.NoError(t, err, name)
			require.Equal(t, id, found, name)
		}
		other, err := c.Customer(t.Context(), payment.CustomerRequest{Email: "bia@example.com"})
		require.NoError(t, err)
		require.NotEqual(t, id, other)
	}
}

// The token is used up when the answer is lost. Asked again with it, the card is found, and nothing is saved twice.
func TestASavedCardIsFoundAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	for _, kind := range []simulator.Kind{simulator.KindLostAnswer, simulator.KindTruncated, simulator.KindErrorAfter, simulator.KindEmpty} {
		s, c := simulated(t, simulator.Config{})
		id, err := c.Customer(t.Context(), ana)
		require.NoError(t, err)
		token := tokenOf(t, s, "APRO")
		s.SetFaults([]simulator.Fault{{On: simulator.SaveCard, Kind: kind, Times: 1}})
		_, err = c.SaveCard(t.Context(), id, token)
		require.Equal(t, failure.Unavailable, failure.KindOf(err), kind)
		saved, err := c.SaveCard(t.Context(), id, token)
		require.NoError(t, err, kind)
		require.Equal(t, []any{"master", "503143", "6351", 11, 2030}, []any{saved.Brand, saved.FirstSix, saved.LastFour, saved.ExpiresMonth, saved.ExpiresYear})
		again, err := c.SaveCard(t.Context(), id, token)
		require.NoError(t, err, "a used token always finds its card")
		require.Equal(t, saved, again)
		cards, err := c.vaultCards(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []payment.ProviderCard{saved}, cards)
	}
}

func TestATokenThatSavesNothing(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	id, err := c.Customer(t.Context(), ana)
	require.NoError(t, err)
	spent := tokenOf(t, s, "APRO")
	_, err = c.Charge(t.Context(), ChargeRequest{Payment: cardPayment("spent"), Secrets: payment.CardSecrets{Token: spent}, Key: "key-1"})
	require.NoError(t, err)
	for name, token := range map[string]string{"spent on a payment": spent, "never made": "0123456789abcdef0123456789abcdef"} {
		_, err = c.SaveCard(t.Context(), id, token)
		require.Equal(t, failure.Invalid, failure.KindOf(err), name)
		require.NotContains(t, err.Error(), token)
	}
	_, err = c.SaveCard(t.Context(), "1164726384-gone", tokenOf(t, s, "APRO"))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	_, err = c.SaveCard(t.Context(), "../payments", tokenOf(t, s, "APRO"))
	require.Equal(t, failure.Invalid, failure.KindOf(err))

	// While nobody knows whether an earlier call has saved it, the refusal is not believed.
	for _, on := range []simulator.Operation{simulator.GetCardToken, simulator.SavedCards} {
		token := tokenOf(t, s, "APRO")
		_, err = c.SaveCard(t.Context(), id, token)
		require.NoError(t, err)
		s.SetFaults([]simulator.Fault{{On: on, Kind: simulator.KindError, Times: 1}})
		_, err = c.SaveCard(t.Context(), id, token)
		require.Equal(t, failure.Unavailable, failure.KindOf(err), on)
	}
}

func TestTheVaultIsEmptiedAsOftenAsItIsAsked(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	id, err := c.Customer(t.Context(), ana)
	require.NoError(t, err)
	saved, err := c.SaveCard(t.Context(), id, tokenOf(t, s, "APRO"))
	require.NoError(t, err)
	s.SetFaults([]simulator.Fault{{On: simulator.SavedCards, Kind: simulator.KindLostAnswer, Times: 1}, {On: simulator.Customers, Kind: simulator.KindErrorAfter, Times: 1}})
	r := payment.VaultRemoval{CustomerID: id, Customer: true, CardIDs: []string{saved.ID}}
	for range 2 {
		require.Equal(t, failure.Unavailable, failure.KindOf(c.RemoveFromVault(t.Context(), r)))
	}
	for range 2 {
		require.NoError(t, c.RemoveFromVault(t.Context(), r))
	}
	another, err := c.Customer(t.Context(), ana)
	require.NoError(t, err)
	require.NotEqual(t, id, another)
	require.Error(t, c.RemoveFromVault(t.Context(), payment.VaultRemoval{CustomerID: id, CardIDs: []string{"../../payments"}}))

	// Only cards: the customer stays.
	require.NoError(t, c.RemoveFromVault(t.Context(), payment.VaultRemoval{CustomerID: another, CardIDs: []string{"1"}}))
	found, err := c.Customer(t.Context(), ana)
	require.NoError(t, err)
	require.Equal(t, another, found)
}

// Mercado Pago's documents name two paths. One that there is not answers 404 or 405; any other refusal is one.
func TestACustomerIsRemovedByTheOtherPath(t *testing.T) {
	t.Parallel()
	for status, want := range map[int][]string{
		http.StatusOK: {"/v1/customers/1-a"}, http.StatusMethodNotAllowed: {"/v1/customers/1-a", "/v1/customers/1-a/delete"},
		http.StatusNotFound: {"/v1/customers/1-a", "/v1/customers/1-a/delete"}, http.StatusForbidden: {"/v1/customers/1-a"},
	} {
		var paths []string
		c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			w.WriteHeader(status)
			_, _ = w.Write([]byte("{}"))
		}), timeout)
		err := c.RemoveFromVault(t.Context(), payment.VaultRemoval{CustomerID: "1-a", Customer: true})
		require.Equal(t, status == http.StatusForbidden, err != nil, status)
		require.Equal(t, want, paths)
	}
}

// What is masked or strange in a saved card is left out, and a whole card number is never read.
func TestASavedCardIsReadLeniently(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answering(http.StatusCreated, `{"id": 8987269652, "customer_id": "1-a", "first_six_digits": "5031433215406351", "last_four_digits": 6351,
		"expiration_month": "***", "expiration_year": "***", "payment_method": {"id": "master"}, "cardholder": {"name": "ANA"}, "date_created": ""}`), timeout)
	saved, err := c.SaveCard(t.Context(), "1-a", "0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	require.Equal(t, payment.ProviderCard{ID: "8987269652", Brand: "master", LastFour: "6351"}, saved)

	c = clientOf(t, answering(http.StatusCreated, `{"last_four_digits": "6351"}`), timeout)
	_, err = c.SaveCard(t.Context(), "1-a", "0123456789abcdef0123456789abcdef")
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

// A charge with a token of a saved card names the customer, and repeats every byte. Without the customer it is refused, and so is that of a
// customer that is gone.
func TestASavedCardIsCharged(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	id, err := c.Customer(t.Context(), ana)
	require.NoError(t, err)
	saved, err := c.SaveCard(t.Context(), id, tokenOf(t, s, "APRO"))
	require.NoError(t, err)
	charge := func(name, customer string) (payment.ProviderState, error) {
		p := cardPayment(name)
		p.Method.Card.ProviderCustomerID = customer
		r := ChargeRequest{Payment: p, Secrets: payment.CardSecrets{Token: tokenOfSaved(t, s, saved.ID)}, Key: "key-" + name}
		first, err := c.Charge(t.Context(), r)
		second, secondErr := c.Charge(t.Context(), r)
		require.Equal(t, first, second)
		require.Equal(t, failure.KindOf(err), failure.KindOf(secondErr))
		return first, err
	}
	state, err := charge("saved", id)
	require.NoError(t, err)
	require.Equal(t, payment.Approved, state.Status)
	require.Equal(t, "6351", state.LastFour)
	for name, row := range map[string]struct {
		customer string
		code     failure.Code
	}{"nobody's": {"", failure.CodeCardToken}, "a lost customer's": {"1164726384-gone", failure.CodeCustomer}} {
		_, err = charge(name, row.customer)
		refused, _ := errors.AsType[*failure.Error](err)
		require.NotNil(t, refused, name)
		require.Equal(t, row.code, refused.Code, name)
	}
}

func TestTheRequestOfASavedCard(t *testing.T) {
	t.Parallel()
	var sent struct{ Payer map[string]any }
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(minimal("approved", "accredited")))
	}), timeout)
	p := cardPayment("sent")
	p.Method.Card.ProviderCustomerID = "1164726384-XvJ9pWqk"
	_, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Secrets: payment.CardSecrets{Token: "a-token-of-a-card-of-somebody"}, Key: "key-1"})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"type": "customer", "id": "1164726384-XvJ9pWqk", "email": p.Payer.Email}, sent.Payer)
}
