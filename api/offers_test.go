package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/simulator"
)

// standIn is a provider that starts when it is needed: most tests do not need it.
type standIn struct {
	start func() (*simulator.Simulator, *url.URL)
	http.Transport
}

func newStandIn(t testing.TB) *standIn {
	p := &standIn{}
	p.start = sync.OnceValues(func() (*simulator.Simulator, *url.URL) {
		s := simulator.New(simulator.Config{AccessToken: "TEST-1"})
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		t.Cleanup(s.Close)
		t.Cleanup(p.CloseIdleConnections)
		address, err := url.Parse(server.URL)
		require.NoError(t, err)
		return s, address
	})
	return p
}

func (p *standIn) RoundTrip(r *http.Request) (*http.Response, error) {
	_, address := p.start()
	r.URL.Scheme, r.URL.Host = address.Scheme, address.Host
	return p.Transport.RoundTrip(r)
}

func (p *standIn) simulator() *simulator.Simulator {
	s, _ := p.start()
	return s
}

func (p *standIn) client(t testing.TB) *mercadopago.Client {
	t.Helper()
	client, err := mercadopago.New(mercadopago.Config{BaseURL: "http://provider.test", AccessToken: "TEST-1", HTTPTransport: p})
	require.NoError(t, err)
	return client
}

func newAnswers(t testing.TB, url string) *cache.Answers {
	t.Helper()
	store, err := redis.Open(url, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return cache.NewAnswers(store, time.Minute, time.Hour)
}

func TestPaymentMethodsAreWhatPaymentsTake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.get(t, "/v1/payment-methods", "Authorization", "Bearer "+f.readKey)
	require.Equal(t, http.StatusOK, w.Code)
	golden(t, "payment_methods", w)
	for _, m := range decode[PaymentMethodList](t, w).Data {
		require.Contains(t, payment.MethodTypes(), payment.MethodType(m.Method))
		require.Contains(t, payment.OfferTypes(), payment.OfferType(m.Type))
	}
}

func TestInstallmentsShowWhatTheyCost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.get(t, "/v1/installments?amount=12099&bin=50314332")
	require.Equal(t, http.StatusOK, w.Code)
	golden(t, "installments", w)

	w = f.get(t, "/v1/installments?amount=12099&bin=503143&payment_method_id=visa")
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, decode[InstallmentList](t, w).Data)
}

func TestAWrongQuestionNamesItsFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for query, fields := range map[string][]string{
		"":                                  {"#query/amount", "#query/bin"},
		"?amount=10.50&bin=5031":            {"#query/amount", "#query/bin"},
		"?amount=0&bin=503143":              {"#query/amount"},
		"?amount=1050&bin=5031433212345678": {"#query/bin"},
		"?amount=1050&bin=503143&payment_method_id=%2e%2e":      {"#query/payment_method_id"},
		"?amount=1050&bin=503143&bin=423564":                    {"#query/bin"},
		"?amount=99999999999999999999&bin=503143&cartao=master": {"#query/cartao"},
	} {
		w := f.get(t, "/v1/installments"+query)
		require.Equal(t, http.StatusBadRequest, w.Code, query)
		var got []string
		for _, e := range decode[Problem](t, w).Errors {
			got = append(got, e.Pointer)
		}
		require.Equal(t, fields, got, query)
	}
	require.Empty(t, f.provider.simulator().Requests())
	require.NotContains(t, f.logs.String(), "503143")
}

// What the provider answers becomes an answer by the one table of kinds; a refusal of our own account is our fault, not the client's.
func TestFailuresOfTheProviderAreProblems(t *testing.T) {
	t.Parallel()
	for name, example := range map[string]struct {
		fault  simulator.Fault
		status int
	}{
		"it fails":             {simulator.Fault{Kind: simulator.KindError}, http.StatusServiceUnavailable},
		"it is cut off":        {simulator.Fault{Kind: simulator.KindReset}, http.StatusServiceUnavailable},
		"it answers nonsense":  {simulator.Fault{Kind: simulator.KindHTML}, http.StatusServiceUnavailable},
		"it asks for a pause":  {simulator.Fault{Kind: simulator.KindRateLimited}, http.StatusTooManyRequests},
		"our token is refused": {simulator.Fault{Kind: simulator.KindError, Status: http.StatusUnauthorized}, http.StatusInternalServerError},
		"our account is":       {simulator.Fault{Kind: simulator.KindError, Status: http.StatusForbidden}, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for on, path := range map[simulator.Operation]string{simulator.Offers: "/v1/payment-methods", simulator.Installments: "/v1/installments?amount=1&bin=503143"} {
				example.fault.On = on
				f.provider.simulator().SetFaults([]simulator.Fault{example.fault})
				require.Equal(t, example.status, f.get(t, path).Code)
			}
			require.NotContains(t, f.logs.String(), "503143")
		})
	}
	f := newFixture(t)
	f.provider.simulator().SetFaults([]simulator.Fault{{On: simulator.Installments, Kind: simulator.KindError, Status: http.StatusBadRequest}})
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/installments?amount=1&bin=503143").Code)
}
