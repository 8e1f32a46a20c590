package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// No body leads to a 5xx, and every accepted body is valid under the contract.
func FuzzCreatePayment(f *testing.F) {
	for _, body := range []string{
		goodBody, "", "{}", "null", `{"amount": 1e3}`, `{"amount": -0, "currency": "BRL", "method": {"type": "pix"}, "payer": {"email": "a@b.c"}}`,
		strings.Replace(goodBody, `"c-7"`, `"\ud800"`, 1), strings.Replace(goodBody, `"cart"`, `""`, 1), `{"a":{"a":{"a":[[[[[1]]]]]}}}`, `"\u0000"`,
	} {
		f.Add(body)
	}
	fx := newFixture(f)
	schema := fx.server.contract.document.Components.Schemas["PaymentRequest"].Value
	f.Fuzz(func(t *testing.T, body string) {
		clear(fx.database.payments)
		w := fx.create(t, "k", body)
		require.Less(t, w.Code, http.StatusInternalServerError, "%q: %s", body, w.Body)
		if w.Code == http.StatusCreated {
			var whole any
			require.NoError(t, json.Unmarshal([]byte(body), &whole))
			require.NoError(t, schema.VisitJSON(whole, openapi3.EnableJSONSchema2020()), "%q", body)
		}
	})
}

// No query or header leads to a 5xx.
func FuzzRequest(f *testing.F) {
	f.Add("limit=1&cursor=abc", "k", "wait=1", "Bearer x", "id")
	f.Add("created_from=0000-01-01T00:00:00Z", `"k"`, "respond-async", "", "test-1")
	fx := newFixture(f)
	f.Fuzz(func(t *testing.T, query, key, prefer, authorization, requestID string) {
		for _, auth := range []string{authorization, "Bearer " + fx.key} {
			headers := http.Header{"Authorization": {auth}, "Idempotency-Key": {key}, "Prefer": {prefer}, "X-Request-Id": {requestID}, "Content-Type": {"application/json"}}
			require.Less(t, fx.raw(t, http.MethodGet, query, "", headers), http.StatusInternalServerError)
			require.Less(t, fx.raw(t, http.MethodPost, query, goodBody, headers), http.StatusInternalServerError)
		}
	})
}

func (f *fixture) raw(t testing.TB, method, query, body string, headers http.Header) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, host+"/v1/payments", strings.NewReader(body))
	r.URL.RawQuery, r.Header = query, headers
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, r)
	return w.Code
}
