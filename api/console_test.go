package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requests for the console are passed on with any method and with the browser's address, and are logged without queries and forms.
func TestRequestsForTheConsoleArePassedOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.server.config
	c.TrustedProxies = []string{"192.0.2.1"} // the address of httptest's requests
	c.Console = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusSeeOther)
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.RemoteAddr)
	})
	server, err := newServer(c, f.server.contract)
	require.NoError(t, err)
	ask := func(method, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, host+path, strings.NewReader("q=secret"))
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.NotEmpty(t, w.Header().Get("X-Request-Id"))
		return w
	}
	for _, path := range []string{"/console", "/console/", "/console/payments/x"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := ask(method, path+"?q=secret")
			require.Equal(t, http.StatusSeeOther, w.Code)
			require.Equal(t, method+" "+path+" 203.0.113.9:0", w.Body.String())
		}
	}
	require.Contains(t, f.logs.String(), `"remote":"203.0.113.9"`)
	require.NotContains(t, f.logs.String(), "secret")
	require.Equal(t, http.StatusNotFound, f.get(t, "/console/").Code, "there is no console")
}
