package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	host          = "http://pay.test"
	webhookSecret = "onlywave-test-secret-0001"
	goodBody      = `{"amount": 1050, "currency": "BRL", "description": "Order 1042", "reference": "order-1042",
		"method": {"type": "pix", "expires_in": 3600},
		"payer": {"email": "ana@example.com", "name": "Ana Souza", "tax_id": "12345678909"}, "metadata": {"cart": "c-7"}}`
)

var born = time.Date(2026, 11, 23, 19, 32, 45, 102313000, time.UTC)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContractIsValid(t *testing.T) {
	t.Parallel()
	ct, err := loadContract(host)
	require.NoError(t, err)
	require.NoError(t, ct.document.Validate(t.Context()))

	served, err := openapi3.NewLoader().LoadFromData(ct.json)
	require.NoError(t, err)
	require.NoError(t, served.Validate(t.Context()))
	require.Equal(t, host, served.Servers[0].URL)
}

// The contract and the route table name the same operations and the same scopes.
func TestContractMatchesRoutes(t *testing.T) {
	t.Parallel()
	s := newFixture(t).server
	var contracted, routed []string
	for path, item := range s.contract.document.Paths.Map() {
		for method, operation := range item.Operations() {
			scope := ""
			for _, requirement := range *operation.Security {
				scope = strings.Join(requirement["apiKey"], " ")
			}
			contracted = append(contracted, method+" "+path+" "+scope)
		}
	}
	for _, r := range s.routes() {
		if r.path == "/openapi.json" || strings.HasPrefix(r.path, "/docs") {
			continue // they serve the contract and are not in it
		}
		routed = append(routed, r.method+" "+parameter.ReplaceAllString(r.path, "{$1}")+" "+string(r.scope))
	}
	require.ElementsMatch(t, contracted, routed)
}

var parameter = regexp.MustCompile(`:(\w+)`)

func TestContractNamesWhatTheDomainHas(t *testing.T) {
	t.Parallel()
	schemas := newFixture(t).server.contract.document.Components.Schemas
	var statuses []any
	for _, s := range payment.Statuses() {
		statuses = append(statuses, string(s))
	}
	require.Equal(t, statuses, schemas["Status"].Value.Enum)
	require.Equal(t, words(payment.MethodTypes()), schemas["MethodType"].Value.Enum)
	require.Equal(t, words(payment.Advices()), schemas["Rejection"].Value.Properties["advice"].Value.Enum)
	require.InDelta(t, payment.CardInstallmentsMax, *schemas["MethodRequest"].Value.Properties["installments"].Value.Max, 0)
	for _, m := range payment.MethodTypes() {
		require.Contains(t, methods, m)
		for _, field := range methods[m].fields {
			require.Contains(t, schemas["MethodRequest"].Value.Properties, field)
		}
	}
	require.Equal(t, []any{payment.BRL}, schemas["Currency"].Value.Enum)
	require.Equal(t, words(payment.FindingKinds()), schemas["FindingKind"].Value.Enum)
	require.Equal(t, words(payment.Accounts()), schemas["LedgerAccount"].Value.Enum)
	require.Equal(t, words(payment.Causes()), schemas["LedgerCause"].Value.Enum)
	require.Equal(t, words(deadletter.Causes()), schemas["Cause"].Value.Enum)
	require.Equal(t, words(deadletter.States()), schemas["DeadLetterState"].Value.Enum)
	require.Equal(t, words(workflows.RedriveStates()), schemas["RedriveState"].Value.Enum)
	for _, code := range failure.Codes() {
		require.Contains(t, schemas["Failure"].Value.Properties["code"].Value.Description, "`"+string(code)+"`")
	}
	expiry := schemas["MethodRequest"].Value.Properties["expires_in"].Value
	require.InDelta(t, payment.PixExpiryMin.Seconds(), *expiry.Min, 0)
	require.InDelta(t, payment.PixExpiryMax.Seconds(), *expiry.Max, 0)
	require.InDelta(t, payment.PixExpiryDefault.Seconds(), expiry.Default, 0)
}

func words[T ~string](list []T) []any {
	var words []any
	for _, w := range list {
		words = append(words, string(w))
	}
	return words
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	for _, what := range []string{"Workflows", "Database", "Publisher", "Verifier", "Breakers", "Provider", "Answers", "Limiter", "Log", "Ready", "PublicURL", "CursorSecret", "Environment"} {
		require.ErrorContains(t, err, what)
	}
	c := newFixture(t).server.config
	c.PublicURL, c.TemporalUIURL = host+"/", "http://temporal.test/"
	s, err := New(c)
	require.NoError(t, err)
	require.Equal(t, []string{host, "http://temporal.test"}, []string{s.config.PublicURL, s.config.TemporalUIURL}, "without a slash at the end")
	c.TrustedProxies = []string{"nginx"}
	_, err = New(c)
	require.ErrorContains(t, err, "trusted proxies")
}

// fixture is a server on fakes in memory, with API keys.
type fixture struct {
	server      *Server
	database    *memory
	engine      *engine
	deadLetters *deadLetterStore
	publisher   *broker
	provider    *standIn
	logs        *logs
	ready       map[string]error
	router      routers.Router
	key         string // reads and writes
	readKey     string // only reads
	otherKey    string // another client app's
}

// contracted is the contract of every fixture, and the routes in it.
var contracted = sync.OnceValues(func() (*contract, routers.Router) {
	c, err := loadContract(host)
	if err != nil {
		panic(err)
	}
	router, err := gorillamux.NewRouter(c.document)
	if err != nil {
		panic(err)
	}
	return c, router
})

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{database: newMemory(), provider: newStandIn(t), publisher: &broker{}, logs: &logs{}, ready: map[string]error{"postgres": nil, "temporal": nil, "rabbitmq": nil}}
	f.engine = &engine{database: f.database, answers: true}
	f.deadLetters = newDeadLetterStore()
	verifier, err := mercadopago.NewVerifier([]string{webhookSecret}, 0)
	require.NoError(t, err)
	contract, router := contracted()
	f.router = router
	f.server, err = newServer(Config{
		Workflows: struct {
			*engine
			*deadLetterStore
		}{f.engine, f.deadLetters},
		Database: struct {
			*memory
			*deadLetterStore
		}{f.database, f.deadLetters},
		Publisher: f.publisher, Verifier: verifier,
		Breakers: newBreakers(t, "redis://127.0.0.1:1", slog.New(slog.DiscardHandler)), // nothing listens there
		Provider: f.provider.client(t), Answers: newAnswers(t, "redis://127.0.0.1:1"),
		Limiter:      newLimiter(t, "redis://127.0.0.1:1"),
		Environment:  "test",
		CursorSecret: bytes.Repeat([]byte("c"), 32), PublicURL: host,
		TemporalUIURL: "http://temporal.test", TemporalNamespace: "default",
		Log:   slog.New(slog.NewJSONHandler(f.logs, nil)),
		Ready: func(context.Context) map[string]error { return f.ready },
	}, contract)
	require.NoError(t, err)
	f.key = f.addKey("shop", access.Scopes()...)
	f.readKey = f.addKey("shop", access.ScopePaymentsRead)
	f.otherKey = f.addKey("other", access.Scopes()...)
	return f
}

func (f *fixture) addKey(client string, scopes ...access.Scope) string {
	text, key := access.NewAPIKey("test", client, scopes, born)
	f.database.keys[key.ID] = key
	return text
}

// create sends a POST for a payment with the fixture's key; headers are name, value, name, value …
func (f *fixture) create(t testing.TB, idempotencyKey, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	headers = append([]string{"Content-Type", "application/json", "Idempotency-Key", idempotencyKey}, headers...)
	return f.do(t, http.MethodPost, "/v1/payments", strings.NewReader(body), headers...)
}

func (f *fixture) get(t testing.TB, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.do(t, http.MethodGet, path, nil, headers...)
}

// do sends a request and checks the response against the contract. A header that is named again replaces the first; an empty value
// removes it.
func (f *fixture) do(t testing.TB, method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, host+path, body)
	r.Header.Set("Authorization", "Bearer "+f.key)
	r.Header.Set("X-Request-Id", "test-1")
	for pair := range slices.Chunk(headers, 2) {
		if r.Header.Set(pair[0], pair[1]); pair[1] == "" {
			r.Header.Del(pair[0])
		}
	}
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, r)
	f.holdToContract(t, r, w)
	return w
}

func (f *fixture) holdToContract(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	require.NotEmpty(t, w.Header().Get("X-Request-Id"))
	route, params, err := f.router.FindRoute(r)
	if err != nil || r.Method == http.MethodHead { // not in the contract: it must be a problem or empty
		if w.Body.Len() > 0 && w.Code >= http.StatusBadRequest {
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
		return
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	require.NoError(t, openapi3filter.ValidateResponse(t.Context(), input), "%s %s: %d %s", r.Method, r.URL.Path, w.Code, w.Body)
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &v), "%s", w.Body)
	return v
}

var drawn = regexp.MustCompile(`"qr_code_base64": "[^"]+"`)

// golden compares a response, indented, with a file, but not the bytes of images; go test -update rewrites the file.
func golden(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, w.Body.Bytes(), "", "  "))
	got := drawn.ReplaceAllString(indented.String(), `"qr_code_base64": "(PNG)"`)
	path := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// sign makes the x-signature of a notification. internal/mercadopago tests signatures against reference vectors.
func sign(dataID, requestID, ts string) string {
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(mac, "id:%s;request-id:%s;ts:%s;", dataID, requestID, ts)
	return "ts=" + ts + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
