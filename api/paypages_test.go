package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/api/paypage"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// A payment links to its page, which the same server serves without a key. The log has no address that opens it.
func TestAPaymentLinksToItsPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.server.config
	var err error
	c.PayLinks, err = paylink.New(host, c.CursorSecret)
	require.NoError(t, err)
	c.PayPages, err = paypage.New(paypage.Config{Payments: f.server.payments, Links: c.PayLinks, Log: c.Log})
	require.NoError(t, err)
	f.server, err = newServer(c, f.server.contract)
	require.NoError(t, err)

	created := decode[Payment](t, f.create(t, "k", goodBody))
	path, ok := strings.CutPrefix(created.Links.Pay, host)
	require.True(t, ok, created.Links.Pay)
	answer := f.browse(t, path)
	require.Equal(t, http.StatusOK, answer.Code)
	require.Contains(t, answer.Body.String(), "</html>")
	require.Contains(t, f.logs.String(), `"route":"/pay/*page"`)
	require.NotContains(t, f.logs.String(), strings.TrimPrefix(path, paylink.Prefix))
	f.server.Drain()
	events := f.browse(t, path+"/events")
	require.Equal(t, "text/event-stream", events.Header().Get("Content-Type"), "and the wait for news is over at once")
}

// browse asks as a buyer's browser does. The pages are not in the contract.
func (f *fixture) browse(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	f.server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, host+path, nil))
	return w
}

// withCards gives the server pay pages on which cards can be entered.
func (f *fixture) withCards(t *testing.T) {
	t.Helper()
	c := f.server.config
	var err error
	c.PayLinks, err = paylink.New(host, c.CursorSecret)
	require.NoError(t, err)
	c.PayPages, err = paypage.New(paypage.Config{Payments: f.server.payments, Links: c.PayLinks, Log: c.Log, Cards: &paypage.Cards{
		PublicKey: "TEST-key", ScriptURL: "https://sdk.mercadopago.com/js/v2",
		Enter: func(context.Context, workflows.CardInput) (payment.Status, error) { return payment.Approved, nil },
		Installments: func(context.Context, payment.InstallmentQuestion) ([]payment.InstallmentOffer, error) {
			return nil, nil
		},
	}})
	require.NoError(t, err)
	f.server, err = newServer(c, f.server.contract)
	require.NoError(t, err)
}
