package nginx_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/internal/session"
)

// All pages of one user come from one process while it runs, with either form of the cookie; REST requests are spread over all.
func TestAUserStaysWithOneProcess(t *testing.T) {
	t.Parallel()
	servers := map[string]*httptest.Server{}
	var c nginx.Config
	for _, name := range []string{"a", "b", "c"} {
		servers[name] = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
		t.Cleanup(servers[name].Close)
		c.APIs = append(c.APIs, servers[name].Listener.Addr().String())
	}
	e := start(t, c)
	ask := func(path, cookie string) string {
		a := do(t, http.DefaultClient, http.MethodGet, e.url+path, nil, "Cookie", cookie)
		require.Equal(t, http.StatusOK, a.status)
		return string(a.body)
	}
	homes := map[string]string{}
	used := map[string]bool{}
	for i := range 30 {
		cookie := fmt.Sprintf("%s=token-%d", session.CookieName, i)
		homes[cookie] = ask("/console/", cookie)
		used[homes[cookie]] = true
		for _, form := range []string{cookie, "other=1; __Host-" + cookie, cookie + "; other=1"} {
			require.Equal(t, homes[cookie], ask("/console/payments?status=unknown", form), form)
		}
	}
	require.Len(t, used, 3, "users are spread over all processes")
	rest := map[string]bool{}
	for range 30 {
		rest[ask("/v1/payments", session.CookieName+"=token-1")] = true
	}
	require.Len(t, rest, 3)

	servers["a"].Close()
	for cookie, home := range homes {
		now := ask("/console/", cookie)
		require.NotEqual(t, "a", now)
		require.True(t, home == "a" || now == home, "only a user whose process has stopped gets another")
	}
}

// When no process responds, the console's users get a page.
func TestTheConsoleIsUnavailableWithAPage(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(nil)
	dead.Close()
	e := start(t, nginx.Config{APIs: []string{dead.Listener.Addr().String()}})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a := do(t, http.DefaultClient, method, e.url+"/console/payments", nil)
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Equal(t, "text/html", a.header.Get("Content-Type"))
		require.Equal(t, "2", a.header.Get("Retry-After"))
		require.Contains(t, string(a.body), "Try again in a moment")
	}
	do(t, http.DefaultClient, http.MethodGet, e.url+"/v1/payments", nil).requireProblem(t, 503, "unavailable", "/v1/payments")
}

// A refusal by nginx itself is a page, too.
func TestTheConsoleRefusesWithAPage(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}, Rate: 1, Burst: 2})
	refused := func(a answer) {
		require.Equal(t, "text/html", a.header.Get("Content-Type"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.NotEmpty(t, a.header.Get("X-Request-Id"))
		require.Contains(t, string(a.body), "Nothing was changed")
	}
	large := do(t, from("127.0.0.4"), http.MethodPost, e.url+"/console/redrives", strings.NewReader(strings.Repeat("x", 65<<10)))
	require.Equal(t, http.StatusRequestEntityTooLarge, large.status)
	refused(large)
	for {
		often := do(t, from("127.0.0.5"), http.MethodGet, e.url+"/console/", nil)
		if often.status != http.StatusOK {
			require.Equal(t, http.StatusTooManyRequests, often.status)
			refused(often)
			return
		}
	}
}
