package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/mercadopago/sdk-go/pkg/config"
	sdk "github.com/mercadopago/sdk-go/pkg/payment"
	refundsdk "github.com/mercadopago/sdk-go/pkg/refund"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "TEST-token"

// account is a simulator on a socket, and a client for it.
type account struct {
	*Simulator
	t      *testing.T
	url    string
	client *http.Client
}

func open(t *testing.T, c Config) account {
	t.Helper()
	c.AccessToken = token
	return serve(t, New(c))
}

func serve(t *testing.T, s *Simulator) account {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	// Without kept connections no request is repeated by the transport behind our back.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return account{Simulator: s, t: t, url: server.URL, client: client}
}

// pix is a create request that is all right, with some fields changed; nil leaves a field out.
func pix(changes map[string]any) map[string]any {
	body := map[string]any{
		"transaction_amount": 10.5, "payment_method_id": "pix", "description": "Assinatura", "external_reference": "order-1",
		"payer": map[string]any{"email": "ana@example.com", "identification": map[string]any{"type": "CPF", "number": "12345678909"}},
	}
	for name, value := range changes {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	return body
}

func (a account) request(method, path, key string, body any) *http.Request {
	a.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(a.t, err)
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, bytes.NewReader(encoded))
	require.NoError(a.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		req.Header.Set("X-Idempotency-Key", key)
	}
	return req
}

// call makes a request and returns its status and decoded body.
func (a account) call(method, path, key string, body any) (int, object) {
	a.t.Helper()
	return a.send(a.request(method, path, key, body))
}

func (a account) send(req *http.Request) (int, object) {
	a.t.Helper()
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	var out object
	require.NoError(a.t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, out
}

// charge creates a payment that must succeed.
func (a account) charge(changes map[string]any) object {
	a.t.Helper()
	status, p := a.call("POST", "/v1/payments", uuid.NewString(), pix(changes))
	require.Equal(a.t, http.StatusCreated, status, "%v", p)
	return p
}

func (a account) get(id string) object {
	a.t.Helper()
	status, p := a.call("GET", "/v1/payments/"+id, "", nil)
	require.Equal(a.t, http.StatusOK, status)
	return p
}

// object is a JSON object with short ways into it.
type object map[string]any

func (o object) id() string { return strconv.FormatFloat(o["id"].(float64), 'f', -1, 64) }

func (o object) at(path string) any {
	var value any = map[string]any(o)
	for _, name := range strings.Split(path, ".") {
		if list, ok := value.([]any); ok {
			i, _ := strconv.Atoi(name)
			value = list[i]
			continue
		}
		value = value.(map[string]any)[name]
	}
	return value
}

func (o object) date(t *testing.T, name string) time.Time {
	t.Helper()
	date, err := time.Parse("2006-01-02T15:04:05.000-07:00", o[name].(string))
	require.NoError(t, err)
	return date
}

func TestTokenIsRequired(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	for _, header := range []string{"", "Bearer ", "Bearer wrong", token} {
		req := a.request("POST", "/v1/payments", "k", pix(nil))
		req.Header.Set("Authorization", header)
		res, err := a.client.Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, header)
		require.NotEmpty(t, res.Header.Get("X-Request-Id"))
		require.NoError(t, res.Body.Close())
	}
	require.Empty(t, a.Ledger())
}

func TestLedgerAndRequestLog(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	status, p := a.call("POST", "/v1/payments", "key-1", pix(nil))
	require.Equal(t, http.StatusCreated, status)
	require.NoError(t, a.Pay(p.id()))
	status, refused := a.call("GET", "/v1/payments/1?x=y", "", nil)
	require.Equal(t, http.StatusNotFound, status)

	entries := a.Ledger()
	require.Len(t, entries, 2)
	want := Entry{Number: 1, Kind: Charge, PaymentID: p.id(), ExternalReference: "order-1", IdempotencyKey: "key-1", Amount: 1050,
		Status: "pending", StatusDetail: "pending_waiting_transfer", Time: entries[0].Time}
	require.Equal(t, want, entries[0])
	want.Number, want.Kind, want.Status, want.StatusDetail, want.Time = 2, Move, "approved", "accredited", entries[1].Time
	require.Equal(t, want, entries[1])
	require.True(t, entries[1].Time.After(entries[0].Time))

	requests := a.Requests()
	require.Len(t, requests, 2)
	require.Equal(t, "key-1", requests[0].IdempotencyKey)
	require.Equal(t, http.StatusCreated, requests[0].Status)
	require.Equal(t, "/v1/payments/1?x=y", requests[1].Path)
	require.Equal(t, http.StatusNotFound, requests[1].Status)
	require.Contains(t, refused.at("cause.0.data"), requests[1].RequestID)
}

func TestIDsAreNeverRepeatedInAProcess(t *testing.T) {
	t.Parallel()
	first, second := open(t, Config{}).charge(nil), open(t, Config{}).charge(nil)
	require.Greater(t, second["id"], first["id"])
}

// toSimulator sends what Mercado Pago's own client sends to the simulator instead.
type toSimulator struct {
	host   string
	client *http.Client
}

func (r toSimulator) Do(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Host = "http", r.host, r.host
	return r.client.Do(out)
}

func TestMercadoPagosOwnClientUnderstandsIt(t *testing.T) {
	t.Parallel()
	a := open(t, Config{LiveMode: true, CollectorID: 77})
	target, err := url.Parse(a.url)
	require.NoError(t, err)
	cfg, err := config.New(token, config.WithHTTPClient(toSimulator{target.Host, a.client}))
	require.NoError(t, err)
	client, ctx := sdk.NewClient(cfg), context.Background()

	expires := time.Now().Add(2 * time.Hour).Truncate(time.Second).In(brasilia)
	created, err := client.Create(ctx, sdk.Request{
		TransactionAmount: 99.9, PaymentMethodID: "pix", ExternalReference: "sdk-1", DateOfExpiration: &expires,
		Payer: &sdk.PayerRequest{Email: "ana@example.com", FirstName: "Ana"}, Metadata: map[string]any{"a": "b"},
	})
	require.NoError(t, err)
	require.Equal(t, "pending", created.Status)
	require.NotEmpty(t, created.PointOfInteraction.TransactionData.QRCode)
	require.True(t, created.DateOfExpiration.Equal(expires))
	require.True(t, created.DateApproved.IsZero())

	require.NoError(t, a.Pay(strconv.Itoa(created.ID)))
	got, err := client.Get(ctx, created.ID)
	require.NoError(t, err)
	require.Equal(t, "approved", got.Status)
	require.True(t, got.LiveMode)
	require.Equal(t, int64(77), got.CollectorID)
	require.InDelta(t, 98.91, got.TransactionDetails.NetReceivedAmount, 0.001)

	found, err := client.Search(ctx, sdk.SearchRequest{Filters: map[string]string{"external_reference": "sdk-1"}})
	require.NoError(t, err)
	require.Equal(t, 1, found.Paging.Total)
	require.Equal(t, created.ID, found.Results[0].ID)

	other, err := client.Create(ctx, sdk.Request{TransactionAmount: 1, PaymentMethodID: "pix", Payer: &sdk.PayerRequest{Email: "b@example.com"}})
	require.NoError(t, err)
	cancelled, err := client.Cancel(ctx, other.ID)
	require.NoError(t, err)
	require.Equal(t, "cancelled", cancelled.Status)

	a.AddFault(Fault{On: Get, Kind: KindMaskedCard, Times: 1})
	_, err = client.Get(ctx, created.ID)
	require.NoError(t, err, "the client reads a masked card since v1.12.1")

	refunds := refundsdk.NewClient(cfg)
	part, err := refunds.CreatePartialRefund(ctx, created.ID, 9.9)
	require.NoError(t, err)
	require.Equal(t, "approved", part.Status)
	rest, err := refunds.Create(ctx, created.ID)
	require.NoError(t, err)
	require.InDelta(t, 90, rest.Amount, 0.001)
	all, err := refunds.List(ctx, created.ID)
	require.NoError(t, err)
	require.Len(t, all, 2)
}

func BenchmarkCreate(b *testing.B) {
	s := New(Config{})
	defer s.Close()
	body, err := json.Marshal(pix(nil))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest("POST", "/v1/payments", bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer any")
		req.Header.Set("X-Idempotency-Key", uuid.NewString())
		s.ServeHTTP(httptest.NewRecorder(), req)
	}
	require.Len(b, s.Ledger(), b.N)
}
