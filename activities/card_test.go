package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// cardOf is a card payment, as it is opened, whose card's holder has this name.
func (w env) cardOf(t *testing.T, holder string) OpenInput {
	t.Helper()
	r := httptest.NewRecorder()
	body := fmt.Sprintf(`{"card_number": "5031433215406351", "cardholder": {"name": %q}}`, holder)
	w.provider.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/card_tokens", strings.NewReader(body)))
	require.Equal(t, http.StatusCreated, r.Code)
	var token struct {
		ID string `json:"id"`
	}
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &token))
	in := creation(t)
	in.Creation.Request.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "master", Installments: 3}}
	in.Creation.Secrets = payment.CardSecrets{Token: token.ID, DeviceID: "armor.7"}
	return in
}

func (w env) openCard(t *testing.T, holder string) (ChargeInput, OpenInput) {
	t.Helper()
	in := w.cardOf(t, holder)
	state, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	require.Zero(t, state.ExpiresAt, "a card payment has no end of ours")
	require.False(t, state.KeepsEnd)
	return ChargeInput{PaymentID: in.PaymentID, Secrets: in.Creation.Secrets}, in
}

func TestChargingACardTwiceIsChargingOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	in, _ := w.openCard(t, "APRO")
	first, err := w.Charge(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, payment.Approved, first.Status)
	second, err := w.Charge(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first, second)
	for range 2 {
		_, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: first})
		require.NoError(t, err)
	}
	third, err := w.Charge(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, first.PaymentID, third.PaymentID)
	require.Equal(t, 1, w.charges(in.PaymentID))
	events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
}

// The answer to a charge is lost. What is sent next is the same, also when the provider has forgotten the key: then the token is used, and
// the refusal is not believed before a search.
func TestALostAnswerToACardIsFound(t *testing.T) {
	t.Parallel()
	for _, forgets := range []bool{false, true} {
		t.Run(fmt.Sprint(forgets), func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			in, _ := w.openCard(t, "APRO")
			w.arm(in.PaymentID, lost)
			_, err := w.Charge(t.Context(), in)
			requireActivityError(t, err, failure.Unavailable, true)
			if forgets {
				w.arm(in.PaymentID, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey})
			}
			in.Again = true
			state, err := w.Charge(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, payment.Approved, state.Status)
			require.Equal(t, 1, w.charges(in.PaymentID))
		})
	}
}

// While the search does not know the charge yet, the refusal of a used token is a doubt and no failure.
func TestTheRefusalOfAUsedTokenIsADoubt(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	in, _ := w.openCard(t, "APRO")
	w.arm(in.PaymentID, lost)
	_, err := w.Charge(t.Context(), in)
	requireActivityError(t, err, failure.Unavailable, true)
	w.arm(in.PaymentID, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey})
	w.arm(in.PaymentID, simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag})
	in.Again = true
	_, err = w.Charge(t.Context(), in)
	requireActivityError(t, err, failure.Invalid, false)
	require.Equal(t, Doubt{Earlier: true, Code: failure.CodeCardToken}, doubtOf(t, err))
	require.Equal(t, 1, w.charges(in.PaymentID))
}

// A run that was started by a signal has no token. It takes what an earlier run has charged, and charges nothing.
func TestARunWithoutTheTokenChargesNothing(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	in, _ := w.openCard(t, "APRO")
	bare := ChargeInput{PaymentID: in.PaymentID}
	_, err := w.Charge(t.Context(), bare)
	requireActivityError(t, err, failure.Invalid, false)
	require.Equal(t, Doubt{Earlier: true, Code: failure.CodeNotCharged}, doubtOf(t, err), "an earlier run may have charged")
	require.Zero(t, w.charges(in.PaymentID))

	made, err := w.Charge(t.Context(), in)
	require.NoError(t, err)
	found, err := w.Charge(t.Context(), bare)
	require.NoError(t, err)
	require.Equal(t, made.PaymentID, found.PaymentID)

	w.arm(in.PaymentID, simulator.Fault{On: simulator.Search, Kind: simulator.KindError, Status: http.StatusBadRequest, Times: 1})
	_, err = w.Charge(t.Context(), bare)
	requireActivityError(t, err, failure.Unavailable, true)
}

// A row that is lost and written anew has no token either: the run has it, and what was charged is found first.
func TestACardWhoseRowIsWrittenAnewIsNotChargedAgain(t *testing.T) {
	t.Parallel()
	for _, holder := range []string{"APRO", "FUND"} {
		t.Run(holder, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			in, opened := w.openCard(t, holder)
			made, err := w.Charge(t.Context(), in)
			require.NoError(t, err)
			w.lose(t, in.PaymentID)
			opened.AskedAt = time.Now().Add(-time.Minute)
			_, err = w.Open(t.Context(), opened)
			require.NoError(t, err)
			w.arm(in.PaymentID, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey})
			in.Again, in.Search = true, true
			again, err := w.Charge(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, made.PaymentID, again.PaymentID)
			require.Equal(t, 1, w.charges(in.PaymentID), "a rejected card is not charged again either")
		})
	}
}

// The token is in no row of any table, and in no answer.
func TestTheTokenIsNotStored(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	in, opened := w.openCard(t, "FUND")
	state, err := w.Charge(t.Context(), in)
	require.NoError(t, err)
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: state})
	require.NoError(t, err)
	dump := w.dump(t)
	require.Contains(t, dump, in.PaymentID)
	require.Contains(t, dump, "cc_rejected_insufficient_amount")
	require.NotContains(t, dump, opened.Creation.Secrets.Token)
	require.NotContains(t, dump, opened.Creation.Secrets.DeviceID)
	answer, err := json.Marshal(state)
	require.NoError(t, err)
	require.NotContains(t, string(answer), opened.Creation.Secrets.Token)

	p, err := w.database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.Equal(t, payment.Rejected, p.Status)
	require.Equal(t, opened.Creation.Request.Method, p.Method)
	require.Equal(t, "6351", p.Instructions.LastFour)
	require.Equal(t, opened.Creation.Print(), p.Fingerprint)
}

// dump is everything in the database, as text.
func (w env) dump(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, table := range w.column(t, `select tablename from pg_tables where schemaname = current_schema()`) {
		for _, row := range w.column(t, `select t::text from `+table+` t`) {
			all.WriteString(table + " " + row + "\n")
		}
	}
	return all.String()
}

func (w env) column(t *testing.T, query string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.databaseURL)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), query)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

// answerOf asks the provider for something, as a client app's browser or the API does.
func (w env) answerOf(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	r := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer TEST-1")
	w.provider.ServeHTTP(r, request)
	require.Less(t, r.Code, 300, r.Body)
	answer := map[string]any{}
	require.NoError(t, json.Unmarshal(r.Body.Bytes(), &answer))
	return answer
}

// The row keeps the provider's customer, so that every charge sends the same, also when the customer was removed after a lost answer.
func TestChargingASavedCardTwiceIsChargingOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	customer := w.answerOf(t, http.MethodPost, "/v1/customers", `{"email": "ana@example.com"}`)["id"].(string)
	in := w.cardOf(t, "APRO")
	card := w.answerOf(t, http.MethodPost, "/v1/customers/"+customer+"/cards", fmt.Sprintf(`{"token": %q}`, in.Creation.Secrets.Token))["id"]
	token := w.answerOf(t, http.MethodPost, "/v1/card_tokens", fmt.Sprintf(`{"card_id": %q, "security_code": "123"}`, card))["id"].(string)
	in.Creation.Secrets.Token = token
	in.Creation.Request.Method.Card.CustomerID = payment.NewCustomer("shop", customer, time.Now()).ID
	in.Creation.Request.Method.Card.ProviderCustomerID = customer
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	charge := ChargeInput{PaymentID: in.PaymentID, Secrets: in.Creation.Secrets}
	w.arm(in.PaymentID, lost)
	_, err = w.Charge(t.Context(), charge)
	requireActivityError(t, err, failure.Unavailable, true)
	w.answerOf(t, http.MethodDelete, "/v1/customers/"+customer, "")
	charge.Again = true
	for range 2 {
		state, err := w.Charge(t.Context(), charge)
		require.NoError(t, err)
		require.Equal(t, payment.Approved, state.Status)
	}
	require.Equal(t, 1, w.charges(in.PaymentID))
	stored, err := w.database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.Equal(t, customer, stored.Method.Card.ProviderCustomerID)
	require.Equal(t, in.Creation.Print(), stored.Fingerprint)
}
