package conformance

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var paymentID = regexp.MustCompile(`\d{6,}`)

func exchange(method, path, sent string, status int, answered string) Exchange {
	request := httptest.NewRequest(method, "http://provider.test"+path, nil)
	request.Header.Set("Content-Type", "application/json")
	return Exchange{Request: request, RequestBody: []byte(sent), Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(answered)}
}

func TestWhereTheTrafficIsNotAsTheContractSays(t *testing.T) {
	t.Parallel()
	contract, err := Load("testdata/contract.yaml")
	require.NoError(t, err)
	const charge = "POST /v1/payments"
	for name, example := range map[string]struct {
		exchange Exchange
		want     []Deviation
	}{
		"nowhere": {exchange("POST", "/v1/payments", `{"transaction_amount": 1.5}`, 201, `{"id": 7, "more": true}`), nil},
		"a field that is left out": {
			exchange("POST", "/v1/payments", `{}`, 201, `{"id": 7}`),
			[]Deviation{{charge, "request", "", "missing property 'transaction_amount'"}},
		},
		"a field that the provider does not know": {
			exchange("POST", "/v1/payments", `{"transaction_amount": 1.5, "payer": {"mail": "a@b.c"}}`, 201, `{"id": 7}`),
			[]Deviation{{charge, "request", "/payer", "additional properties 'mail' not allowed"}},
		},
		"an answer of another type": {
			exchange("POST", "/v1/payments", `{"transaction_amount": 1.5}`, 201, `{"id": "7", "refunds": [{"amount": 1}, {"amount": "2"}]}`),
			[]Deviation{{charge, "answer", "/id", "got string, want integer"}, {charge, "answer", "/refunds/*/amount", "got string, want number"}},
		},
		"another status": {
			exchange("POST", "/v1/payments", `{"transaction_amount": 1.5}`, 503, ``), []Deviation{{charge, "answer", "", "no status 503"}},
		},
		"another operation": {
			exchange("PUT", "/v2/payments", ``, 200, ``), []Deviation{{"PUT /v2/payments", "request", "", "no such operation"}},
		},
		"another operation with an id": {
			exchange("PUT", "/v2/payments/12/refunds/34", ``, 200, ``), []Deviation{{"PUT /v2/payments/{id}/refunds/{id}", "request", "", "no such operation"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ElementsMatch(t, example.want, contract.Deviations(example.exchange))
		})
	}
	found := contract.Deviations(exchange("GET", "/v1/payments/7", ``, 200, ``))
	require.Len(t, found, 1)
	require.Equal(t, "?fields", found[0].At)
	_, err = Load("testdata/none.yaml")
	require.Error(t, err)
}

func TestKnownErrorsExcuseAndMustBeNeeded(t *testing.T) {
	t.Parallel()
	d := Deviation{"POST /v1/payments", "answer", "/results/*/date_approved", "Value is not nullable"}
	for name, example := range map[string]struct {
		known   Known
		excused bool
	}{
		"the same":             {Known{d.Operation, "answer", d.At, d.Says, "why"}, true},
		"any operation":        {Known{"", "answer", "…/date_approved", "not nullable", "why"}, true},
		"another side":         {Known{d.Operation, "request", d.At, d.Says, "why"}, false},
		"another place":        {Known{d.Operation, "answer", "/date_approved", d.Says, "why"}, false},
		"another operation":    {Known{"GET /v1/payments", "answer", d.At, d.Says, "why"}, false},
		"another expectation":  {Known{d.Operation, "answer", d.At, "must be a number", "why"}, false},
		"the end of a longer…": {Known{d.Operation, "answer", "…/approved", d.Says, "why"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			strange, needless := Judge([]Deviation{d, d}, []Known{example.known})
			if example.excused {
				require.Empty(t, strange)
				require.Empty(t, needless)
				return
			}
			require.Equal(t, []Deviation{d}, strange, "told once")
			require.Equal(t, []Known{example.known}, needless)
		})
	}
}

func TestEveryKnownErrorHasItsReason(t *testing.T) {
	t.Parallel()
	for _, k := range KnownErrors() {
		require.NotEmpty(t, k.Reason)
		require.Contains(t, []string{"request", "answer"}, k.Side)
		require.NotEmpty(t, k.Says)
	}
}

// The traffic that is held against the contract is all that the adapter does: each of its calls succeeds, and those that are to fail do.
func TestTheTrafficHasEveryKindOfCall(t *testing.T) {
	t.Parallel()
	exchanges, err := Traffic(t.Context())
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, e := range exchanges {
		seen[e.Request.Method+" "+paymentID.ReplaceAllString(e.Request.URL.Path, "{id}")] = true
	}
	for _, call := range []string{
		"POST /v1/payments", "GET /v1/payments/{id}", "PUT /v1/payments/{id}", "GET /v1/payments/search", "POST /v1/payments/{id}/refunds",
		"POST /v1/card_tokens", "GET /v1/payment_methods", "GET /v1/payment_methods/installments", "GET /users/me",
	} {
		require.Contains(t, seen, call)
	}
}
