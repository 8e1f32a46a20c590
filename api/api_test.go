package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
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
			continue // about the contract, not in it
		}
		routed = append(routed, r.method+" "+strings.Replace(r.path, ":id", "{id}", 1)+" "+string(r.scope))
	}
	require.ElementsMatch(t, contracted, routed)
}

func TestContractNamesWhatTheDomainHas(t *testing.T) {
	t.Parallel()
	schemas := newFixture(t).server.contract.document.Components.Schemas
	var statuses []any
	for _, s := range payment.Statuses() {
		statuses = append(statuses, string(s))
	}
	require.Equal(t, statuses, schemas["Status"].Value.Enum)
	require.Equal(t, []any{string(payment.Pix)}, schemas["MethodType"].Value.Enum)
	require.Equal(t, []any{payment.BRL}, schemas["Currency"].Value.Enum)
	expiry := schemas["MethodRequest"].Value.Properties["expires_in"].Value
	require.InDelta(t, payment.PixExpiryMin.Seconds(), *expiry.Min, 0)
	require.InDelta(t, payment.PixExpiryMax.Seconds(), *expiry.Max, 0)
	require.InDelta(t, payment.PixExpiryDefault.Seconds(), expiry.Default, 0)
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	for _, what := range []string{"Payments", "Record", "Publisher", "Verifier", "Log", "Ready", "PublicURL", "CursorSecret"} {
		require.ErrorContains(t, err, what)
	}
	c := newFixture(t).server.config
	c.TrustedProxies = []string{"nginx"}
	_, err = New(c)
	require.ErrorContains(t, err, "trusted proxies")
}

// fixture is a server over memory, with an API key for each case.
type fixture struct {
	server    *Server
	record    *memory
	engine    *engine
	publisher *broker
	logs      *logs
	ready     map[string]error
	router    routers.Router
	key       string // reads and writes
	readKey   string // only reads
	otherKey  string // another client app's
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{record: newMemory(), publisher: &broker{}, logs: &logs{}, ready: map[string]error{"postgres": nil, "temporal": nil, "rabbitmq": nil}}
	f.engine = &engine{record: f.record, answers: true}
	verifier, err := mercadopago.NewVerifier([]string{webhookSecret}, 0)
	require.NoError(t, err)
	f.server, err = New(Config{
		Payments: f.engine, Record: f.record, Publisher: f.publisher, Verifier: verifier,
		CursorSecret: bytes.Repeat([]byte("c"), 32), PublicURL: host + "/",
		TemporalUIURL: "http://temporal.test/", TemporalNamespace: "default",
		Log:   slog.New(slog.NewJSONHandler(f.logs, nil)),
		Ready: func(context.Context) map[string]error { return f.ready },
	})
	require.NoError(t, err)
	f.router, err = gorillamux.NewRouter(f.server.contract.document)
	require.NoError(t, err)
	f.key = f.addKey("shop", payment.Scopes()...)
	f.readKey = f.addKey("shop", payment.ScopePaymentsRead)
	f.otherKey = f.addKey("other", payment.Scopes()...)
	return f
}

func (f *fixture) addKey(client string, scopes ...payment.Scope) string {
	text, key := payment.NewAPIKey("test", client, scopes, born)
	f.record.keys[key.ID] = key
	return text
}

// create asks for a payment with the fixture's key; headers come as name, value, name, value …
func (f *fixture) create(t testing.TB, idempotencyKey, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	headers = append([]string{"Content-Type", "application/json", "Idempotency-Key", idempotencyKey}, headers...)
	return f.do(t, http.MethodPost, "/v1/payments", strings.NewReader(body), headers...)
}

func (f *fixture) get(t testing.TB, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.do(t, http.MethodGet, path, nil, headers...)
}

// do sends a request and holds the answer against the contract. A header that comes twice is replaced; an empty one is
// taken out.
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
	if err != nil || r.Method == http.MethodHead { // not in the contract: then it must be a problem or nothing
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

// golden compares an answer, indented, with a file; go test -update rewrites the file. How an image is compressed is not of
// interest.
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

// memory is the record without Postgres.
type memory struct {
	mu       sync.Mutex
	payments map[string]payment.Payment
	events   map[string][]payment.Event
	keys     map[string]payment.APIKey
	spooled  []string // routing keys
	reads    int      // of API keys
	away     error    // what every call returns while it is set
}

func newMemory() *memory {
	return &memory{payments: map[string]payment.Payment{}, events: map[string][]payment.Event{}, keys: map[string]payment.APIKey{}}
}

var errAway = &payment.Error{Kind: payment.Unavailable, Message: "the record is away", Err: errors.New("dial tcp 10.0.0.7:5432: refused")}

func (m *memory) Payment(_ context.Context, id string) (payment.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.payments[id]; ok || m.away != nil {
		return p, m.away
	}
	return payment.Payment{}, &payment.Error{Kind: payment.NotFound, Message: "there is no such thing"}
}

func (m *memory) Payments(_ context.Context, f payment.Filter) ([]payment.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []payment.Payment
	for _, p := range m.payments {
		if p.ClientID == f.ClientID && (f.Status == "" || f.Status == p.Status) && (f.Reference == "" || f.Reference == p.Reference) &&
			!p.CreatedAt.Before(f.CreatedFrom) && (f.CreatedTo.IsZero() || p.CreatedAt.Before(f.CreatedTo)) &&
			(f.After.ID == "" || newestFirst(payment.Payment{ID: f.After.ID, CreatedAt: f.After.CreatedAt}, p) < 0) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(f.Limit, len(found))], m.away
}

func newestFirst(a, b payment.Payment) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
}

func (m *memory) Events(_ context.Context, id string, after, limit int) ([]payment.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	events := m.events[id]
	events = events[min(after, len(events)):]
	return events[:min(limit, len(events))], m.away
}

func (m *memory) APIKey(_ context.Context, id string) (payment.APIKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if k, ok := m.keys[id]; ok || m.away != nil {
		return k, m.away
	}
	return payment.APIKey{}, &payment.Error{Kind: payment.NotFound, Message: "there is no such thing"}
}

func (m *memory) Spool(_ context.Context, _, routingKey string, _ []byte, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away == nil {
		m.spooled = append(m.spooled, routingKey)
	}
	return m.away
}

func (m *memory) set(id string, change func(*payment.Payment)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.payments[id]
	change(&p)
	m.payments[id] = p
}

func (m *memory) setAway(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = err
}

// engine is the workflows without Temporal: the first Create makes the payment, and the provider answers if it is to.
type engine struct {
	mu      sync.Mutex
	record  *memory
	answers bool
	fails   error
	asked   []workflows.Creation
}

func (e *engine) Create(_ context.Context, in workflows.Creation) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, in)
	if e.fails != nil {
		return false, e.fails
	}
	known, ok := e.record.payments[in.PaymentID]
	if ok && known.Fingerprint != in.Request.Fingerprint() {
		return false, &payment.Error{Kind: payment.Conflict, Message: "the idempotency key was used for another request"}
	}
	e.record.set(in.PaymentID, func(p *payment.Payment) {
		if ok && p.Status != payment.Processing {
			return
		}
		*p = newPayment(in)
		if e.answers {
			answer(p)
		}
	})
	return e.answers, nil
}

func newPayment(in workflows.Creation) payment.Payment {
	return payment.Payment{
		ID: in.PaymentID, ClientID: in.ClientID, IdempotencyKey: in.IdempotencyKey, Fingerprint: in.Request.Fingerprint(),
		Request: in.Request, Status: payment.Processing, Provider: payment.Provider{Name: "mercadopago"},
		Version: 1, CreatedAt: born, UpdatedAt: born,
	}
}

func answer(p *payment.Payment) {
	p.Status, p.Version, p.UpdatedAt = payment.Pending, 2, born.Add(585*time.Millisecond)
	p.Method.QRCode = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d3-a456-426655440000520400005303986540510.505802BR6304ABCD"
	p.Method.TicketURL = "https://www.mercadopago.com.br/payments/106400160592/ticket?a=1&b=2"
	p.Method.ExpiresAt = born.Add(time.Hour).Truncate(time.Second)
	p.Provider = payment.Provider{Name: "mercadopago", PaymentID: "106400160592", Status: "pending", StatusDetail: "pending_waiting_transfer"}
}

// broker is RabbitMQ as the webhook sees it.
type broker struct {
	mu        sync.Mutex
	fails     error
	published []rabbitmq.Message
}

func (b *broker) Publish(_ context.Context, exchange string, m rabbitmq.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if exchange != rabbitmq.ExchangeWebhooks {
		return fmt.Errorf("published to %s", exchange)
	}
	if b.fails == nil {
		b.published = append(b.published, m)
	}
	return b.fails
}

// logs keeps what was logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// sign makes the x-signature of a notification (reference vectors are tested where it is verified).
func sign(dataID, requestID, ts string) string {
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	fmt.Fprintf(mac, "id:%s;request-id:%s;ts:%s;", dataID, requestID, ts)
	return "ts=" + ts + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
