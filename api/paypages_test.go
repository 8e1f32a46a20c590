package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/api/paypage"
	"github.com/onlywave/onlywave/internal/paylink"
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
