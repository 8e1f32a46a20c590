package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// A zero, an empty text, list or object, and null are never taken for a field that was left out: where the contract does not allow
// them they are refused. The test covers every field of the contract, also those that are added later.
func TestZeroValuesAreNotTakenForLeftOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bases := map[string]struct{ method, path, body string }{ // of those that have optional fields
		"PaymentRequest":  {http.MethodPost, "/v1/payments", `{"amount": 1050, "currency": "BRL", "method": {"type": "pix"}, "payer": {"email": "ana@example.com"}}`},
		"CheckoutRequest": {http.MethodPost, "/v1/checkouts", `{"amount": 1050, "currency": "BRL", "payer": {"email": "ana@example.com"}, "back_urls": {"success": "https://shop.example.com/"}}`},
		"RedriveRequest":  {http.MethodPost, "/v1/dead-letters/redrive", `{"reason": "mended", "filter": {"source": "webhook", "cause": "invalid"}}`},
		"OrderRequest":    {http.MethodPost, "/v1/payments/x/look", `{}`},
		"HoldRequest":     {http.MethodPost, "/v1/payments/x/hold", `{"reason": "a check"}`},
		"RefundRequest":   {http.MethodPost, "/v1/payments/x/refunds", `{"amount": 1}`},
		"CaptureRequest":  {http.MethodPost, "/v1/payments/x/capture", `{}`},
		"CancelRequest":   {http.MethodPost, "/v1/payments/x/cancel", `{"on_paid": "keep"}`},
		"CustomerRequest": {http.MethodPost, "/v1/customers", `{"email": "ana@example.com"}`},
		"SettleRequest":   {http.MethodPost, "/v1/payments/x/settle", `{"status": "found", "reason": "the panel has it"}`},
	}
	// What the contract allows, and documents.
	allowed := map[string]bool{
		`/description ""`: true, `/reference ""`: true, `/payer/name ""`: true, `/metadata {}`: true, `/method/statement_descriptor ""`: true,
		`/items []`: true, `/exclude []`: true, `/back_urls {}`: true, `/payer {}`: true, `/refund_duplicates false`: true,
		`/all false`: true, `/dry_run false`: true, `/canary 0`: true, `/canary_wait 0`: true, `/rate 0`: true, `/stop_after_errors 0`: true,
	}
	keys := 0
	for _, r := range f.server.routes() {
		schema := bodySchema(f.server.contract.operation(r))
		if schema == nil || r.scope == public {
			continue
		}
		name := strings.TrimPrefix(f.server.contract.operation(r).RequestBody.Value.Content["application/json"].Schema.Ref, "#/components/schemas/")
		for pointer, zeros := range optionalFields(schema, "") {
			base, ok := bases[name]
			require.True(t, ok, "a body to begin with for %s", name)
			for _, zero := range zeros {
				body := withField(t, base.body, pointer, zero)
				keys++
				w := f.do(t, base.method, base.path, strings.NewReader(body), "Content-Type", "application/json", "Idempotency-Key", strconv.Itoa(keys))
				if allowed[pointer+" "+zero] {
					require.NotEqual(t, http.StatusUnprocessableEntity, w.Code, "%s: %s", body, w.Body)
					continue
				}
				require.Equal(t, http.StatusUnprocessableEntity, w.Code, "%s: %s", body, w.Body)
				found := decode[Problem](t, w).Errors[0].Pointer // of an empty object it is a field that it must have
				require.True(t, found == pointer || zero == "{}" && strings.HasPrefix(found, pointer+"/"), "%s: %s", body, found)
			}
		}
	}
	require.Greater(t, keys, 30)

	waits := map[string]time.Duration{}
	for _, in := range f.deadLetters.started {
		waits[in.CanaryWait.String()] = in.CanaryWait
	}
	require.Contains(t, waits, "0s", "0 means no wait")
	require.Contains(t, waits, "1m0s", "60 s when it was left out")
	for _, in := range f.engine.asked {
		require.Equal(t, 86400, in.Request.Method.ExpiresIn)
	}
}

// The same for the parameters of queries.
func TestEmptyParametersAreNotTakenForLeftOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked := 0
	for _, r := range f.server.routes() {
		if r.scope == public {
			continue
		}
		for _, name := range f.server.contract.queryParameters(r) {
			asked++
			path := strings.NewReplacer(":id", payment.NewID("shop", "k"), ":name", "charge").Replace(r.path)
			w := f.do(t, r.method, path+"?"+name+"=", nil)
			require.Equal(t, http.StatusBadRequest, w.Code, "%s %s", path, name)
			require.Equal(t, "#query/"+name, decode[Problem](t, w).Errors[0].Pointer)
		}
	}
	require.Greater(t, asked, 10)
	for _, name := range []string{"created_from", "created_to"} {
		require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/payments?"+name+"=0001-01-01T00:00:00Z").Code, name)
	}
}

// optionalFields are the optional fields of a schema by pointer, with the values of their types that could be taken for "left out".
func optionalFields(schema *openapi3.Schema, at string) map[string][]string {
	found := map[string][]string{}
	for name, property := range schema.Properties {
		pointer := at + "/" + name
		if property.Value.Type.Is(openapi3.TypeObject) {
			maps.Copy(found, optionalFields(property.Value, pointer))
		}
		if slices.Contains(schema.Required, name) {
			continue
		}
		zeros := map[string][]string{
			openapi3.TypeString: {`""`}, openapi3.TypeInteger: {"0"}, openapi3.TypeBoolean: {"false"},
			openapi3.TypeArray: {"[]"}, openapi3.TypeObject: {"{}"},
		}[property.Value.Type.Slice()[0]]
		if property.Value.Format == "date-time" {
			zeros = append(zeros, `"0001-01-01T00:00:00Z"`)
		}
		found[pointer] = append(zeros, "null")
	}
	return found
}

// withField returns a body with one more field.
func withField(t *testing.T, body, pointer, value string) string {
	t.Helper()
	var whole map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &whole))
	object := whole
	keys := strings.Split(pointer, "/")[1:]
	for _, key := range keys[:len(keys)-1] {
		object, _ = object[key].(map[string]any)
	}
	object[keys[len(keys)-1]] = json.RawMessage(value)
	text, err := json.Marshal(whole)
	require.NoError(t, err)
	return string(text)
}
