package nginx_test

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
)

var update = flag.Bool("update", false, "rewrite compose.conf and kubernetes.conf")

// arrived is a request as a server behind nginx received it.
type arrived struct {
	Server string
	URI    string
	Header http.Header
	Body   int
}

func (a answer) arrived(t *testing.T) (saw arrived) {
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	require.NoError(t, json.Unmarshal(a.body, &saw), string(a.body))
	return saw
}

// requireKept expects a file to equal the template's output.
func requireKept(t *testing.T, file string, c nginx.Config) {
	made, err := nginx.Render(c)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(made), 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(kept), made, "go test ./deploy/nginx -update writes it again")
}

func TestComposeRunsWhatTheTemplateMakes(t *testing.T) {
	requireKept(t, "compose.conf", nginx.Compose)

	// The same, except for a name that is known only there and a directive that this machine's nginx does not have.
	c := nginx.Compose
	c.APIs, c.Resolver = []string{echo(t, "only")}, ""
	saw := do(t, http.DefaultClient, http.MethodGet, start(t, c).url+"/v1/payments", nil).arrived(t)
	require.Equal(t, "only", saw.Server)
}

func TestKubernetesRunsWhatTheTemplateMakes(t *testing.T) {
	requireKept(t, "kubernetes.conf", nginx.Kubernetes)

	certificate, key, trust := selfSigned(t)
	c := nginx.Kubernetes
	c.APIs, c.ResolverFile, c.Certificate, c.CertificateKey = []string{echo(t, "only")}, "", certificate, key
	e := start(t, c)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}}
	saw := do(t, client, http.MethodGet, strings.Replace(e.url, "http:", "https:", 1)+"/v1/payments", nil).arrived(t)
	require.Equal(t, "only", saw.Server)
	require.Len(t, workers(t, e), c.Workers)
}

func TestAnIncompleteConfigurationIsNotMade(t *testing.T) {
	whole := roomy(nginx.Config{Listen: "8080", Inner: "127.0.0.1:8081", APIs: []string{"a:1"}})
	_, err := nginx.Render(whole)
	require.NoError(t, err)
	for _, spoil := range []func(*nginx.Config){
		func(c *nginx.Config) { *c = nginx.Config{} }, func(c *nginx.Config) { c.Listen = "" }, func(c *nginx.Config) { c.APIs = nil },
		func(c *nginx.Config) { c.Inner = "" }, func(c *nginx.Config) { c.Rate = 0 }, func(c *nginx.Config) { c.Burst = 0 },
		func(c *nginx.Config) { c.Connections = 0 }, func(c *nginx.Config) { c.Requests = 0 }, func(c *nginx.Config) { c.Capacity = 0 },
		func(c *nginx.Config) { c.Workers = 0 }, func(c *nginx.Config) { c.Certificate = "a.pem" },
	} {
		c := whole
		spoil(&c)
		_, err := nginx.Render(c)
		require.Error(t, err, "%+v", c)
	}
}

// The client's own forwarding headers are dropped; its address is passed on.
func TestAForgedOriginEndsHere(t *testing.T) {
	t.Parallel()
	api := echo(t, "api")
	forged := []string{"X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.9", "Forwarded", "for=203.0.113.9", "X-Forwarded-Host", "evil.example",
		"X-Forwarded-Proto", "https"}
	e := start(t, nginx.Config{APIs: []string{api}})
	saw := do(t, from("127.0.0.2"), http.MethodGet, e.url+"/v1/payments", nil, forged...).arrived(t)
	require.Equal(t, []string{"127.0.0.2"}, saw.Header.Values("X-Forwarded-For"))
	require.Equal(t, "http", saw.Header.Get("X-Forwarded-Proto"))
	for _, name := range []string{"X-Real-IP", "Forwarded", "X-Forwarded-Host"} {
		require.Empty(t, saw.Header.Values(name), name)
	}

	// A balancer before this one is trusted, as far as the hops are known.
	e = start(t, nginx.Config{APIs: []string{api}, Trusted: []string{"127.0.0.3", "198.51.100.0/24"}})
	chain := []string{"X-Forwarded-For", "203.0.113.9, 192.0.2.7, 198.51.100.4"}
	require.Equal(t, "192.0.2.7", do(t, from("127.0.0.3"), http.MethodGet, e.url+"/", nil, chain...).arrived(t).Header.Get("X-Forwarded-For"))
	require.Equal(t, "127.0.0.2", do(t, from("127.0.0.2"), http.MethodGet, e.url+"/", nil, chain...).arrived(t).Header.Get("X-Forwarded-For"))
}

func TestTheRequestIDIsPassedOn(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}})
	id := func(path string, header ...string) []string {
		return do(t, http.DefaultClient, http.MethodPost, e.url+path, nil, header...).arrived(t).Header.Values("X-Request-Id")
	}
	require.Equal(t, []string{"order-1042"}, id("/v1/payments", "X-Request-Id", "order-1042"))
	require.Regexp(t, `^\[[0-9a-f]{32}\]$`, fmt.Sprint(id("/v1/payments")))
	require.Regexp(t, `^\[[0-9a-f]{32}\]$`, fmt.Sprint(id("/v1/payments", "X-Request-Id", `a"b`)))

	// Mercado Pago signs the request id: it is not changed, and none is made.
	const hook = "/webhooks/mercadopago?data.id=1&type=payment"
	require.Equal(t, []string{"a:b c/1"}, id(hook, "X-Request-Id", "a:b c/1"))
	require.Empty(t, id(hook))
}

func TestOnlyAddressesThatFloodAreLimitedAndWebhooksNever(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}, Rate: 1, Burst: 5})
	count := func(client *http.Client, path string) (limited int, last answer) {
		for range 30 {
			a := do(t, client, http.MethodPost, e.url+path, strings.NewReader("{}"))
			if a.status == http.StatusTooManyRequests {
				limited, last = limited+1, a
			}
		}
		return limited, last
	}
	limited, last := count(from("127.0.0.2"), "/v1/payments")
	require.NotZero(t, limited)
	last.requireProblem(t, http.StatusTooManyRequests, "rate_limited", "/v1/payments")
	require.Equal(t, "1", last.header.Get("Retry-After"))

	limited, _ = count(from("127.0.0.6"), "/readyz")
	require.NotZero(t, limited, "it asks all that we depend on")
	do(t, from("127.0.0.3"), http.MethodGet, e.url+"/v1/payments", nil).arrived(t)
	limited, _ = count(from("127.0.0.2"), "/webhooks/mercadopago?data.id=1&type=payment")
	require.Zero(t, limited)
}

func TestWhatIsTooLargeOrBrokenIsAProblem(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}})
	post := func(body io.Reader) answer {
		return do(t, http.DefaultClient, http.MethodPost, e.url+"/v1/payments?limit=2", body, "X-Request-Id", "mine")
	}
	require.Equal(t, 64<<10, post(strings.NewReader(strings.Repeat("x", 64<<10))).arrived(t).Body)
	post(strings.NewReader(strings.Repeat("x", 2<<20))).requireProblem(t, 413, "body_too_large", "/v1/payments")
	post(io.MultiReader(strings.NewReader(strings.Repeat("x", 2<<20)))).requireProblem(t, 413, "body_too_large", "/v1/payments") // no length given
	const evidence = "/v1/disputes/5d0d3a8e-6f3f-5a86-9d1f-0a9b54a0a6c2/evidence"
	documents := func(size int) answer {
		return do(t, http.DefaultClient, http.MethodPost, e.url+evidence, strings.NewReader(strings.Repeat("x", size)))
	}
	require.Equal(t, 10_065_536, documents(10_065_536).arrived(t).Body)
	documents(10_065_537).requireProblem(t, 413, "body_too_large", evidence)

	do(t, http.DefaultClient, http.MethodGet, e.url+"/v1/payments", nil, "X-Large", strings.Repeat("x", 20<<10)).
		requireProblem(t, 400, "invalid_header", "/v1/payments")
	do(t, http.DefaultClient, http.MethodGet, e.url+"/v1/"+strings.Repeat("x", 20<<10), nil).requireProblem(t, 400, "invalid_header", "/")
	do(t, http.DefaultClient, http.MethodTrace, e.url+"/v1/payments", nil).requireProblem(t, 405, "method_not_allowed", "/v1/payments")
	do(t, http.DefaultClient, http.MethodTrace, e.url+`/v1/"}%22`, nil).requireProblem(t, 405, "method_not_allowed", "/v1/%22%7D%22")
}

// A foreign Host header reaches the API like any other: nginx makes nothing from it.
func TestAnUnknownHostIsServed(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{echo(t, "api")}})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/v1/payments?a=%2F", nil)
	require.NoError(t, err)
	request.Host = "evil.example"
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "nginx", response.Header.Get("Server"))
	var saw arrived
	require.NoError(t, json.NewDecoder(response.Body).Decode(&saw))
	require.Equal(t, "/v1/payments?a=%2F", saw.URI, "as it was written")
}

// A GET goes to the next API process; a POST that a process has read is answered 503, and the client repeats it.
func TestOnlyWhatIsSafeToRepeatIsRepeated(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tried := map[string]int{}
	hangUp := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		tried[r.Method]++
		mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	e := start(t, nginx.Config{APIs: []string{serve(t, hangUp), serve(t, hangUp)}})
	a := do(t, http.DefaultClient, http.MethodPost, e.url+"/v1/payments", strings.NewReader("{}"), "Idempotency-Key", "k")
	a.requireProblem(t, 503, "unavailable", "/v1/payments")
	require.Equal(t, "2", a.header.Get("Retry-After"))
	do(t, http.DefaultClient, http.MethodGet, e.url+"/v1/payments", nil).requireProblem(t, 503, "unavailable", "/v1/payments")
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, map[string]int{"POST": 1, "GET": 2}, tried)
}

func TestADeadAPIProcessCostsNothing(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(nil)
	dead.Close()
	e := start(t, nginx.Config{APIs: []string{dead.Listener.Addr().String(), echo(t, "alive")}})
	for range 20 {
		saw := do(t, http.DefaultClient, http.MethodPost, e.url+"/v1/payments", strings.NewReader("{}")).arrived(t)
		require.Equal(t, "alive", saw.Server, "what was never sent may be sent elsewhere")
	}
}

// nginx is ready while an API process is ready, and live regardless.
func TestHealth(t *testing.T) {
	t.Parallel()
	readiness := func(status int, word string) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, word)
		})
	}
	half := start(t, nginx.Config{APIs: []string{readiness(503, "draining"), readiness(200, "ready")}})
	for range 4 {
		require.Equal(t, "ready", string(do(t, http.DefaultClient, http.MethodGet, half.url+"/readyz", nil).body))
	}
	none := start(t, nginx.Config{APIs: []string{readiness(503, "draining")}})
	require.Equal(t, 503, do(t, http.DefaultClient, http.MethodGet, none.url+"/readyz", nil).status)
	live := do(t, http.DefaultClient, http.MethodGet, none.url+"/livez", nil)
	require.Equal(t, http.StatusOK, live.status)
	require.JSONEq(t, `{"status":"live"}`, string(live.body))
}

func TestAReloadLosesNothingAndABadOneChangesNothing(t *testing.T) {
	t.Parallel()
	hold, entered, long := make(chan struct{}), make(chan struct{}), strings.Repeat("x", 6000)
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/slow" {
			fmt.Fprint(w, long) // of which 4 KiB are sent at once
			close(entered)
			<-hold
		}
		fmt.Fprint(w, "old")
	})
	e := start(t, nginx.Config{APIs: []string{slow}})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release) // or a failed test would wait for its own server
	inFlight := make(chan answer, 1)
	go func() {
		inFlight <- do(t, from("127.0.0.2"), http.MethodPost, e.url+"/v1/slow", strings.NewReader("{}"))
	}()
	<-entered
	old := workers(t, e)
	require.ErrorContains(t, e.Reload(t.Context(), "nonsense;"), "nonsense")

	port := strings.TrimPrefix(e.url, "http://")
	config, err := nginx.Render(roomy(nginx.Config{Listen: port, Inner: e.inner,
		APIs: []string{serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "new") })}}))
	require.NoError(t, err)
	require.NoError(t, e.Reload(t.Context(), config))
	require.Eventually(t, func() bool {
		return string(do(t, from("127.0.0.2"), http.MethodGet, e.url+"/v1/payments", nil).body) == "new"
	}, 45*time.Second, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		for _, worker := range old {
			title, err := os.ReadFile("/proc/" + worker + "/cmdline")
			if err == nil && !strings.Contains(string(title), "shutting down") {
				return false
			}
		}
		return true
	}, 45*time.Second, 20*time.Millisecond, "the old workers know that they are to end")
	release()
	require.Equal(t, long+"old", string((<-inFlight).body))
	require.NoError(t, e.Restart(t.Context()))
	require.Equal(t, "new", string(do(t, from("127.0.0.2"), http.MethodGet, e.url+"/v1/payments", nil).body))
}

func workers(t *testing.T, e *edge) []string {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", e.PID()))
	require.NoError(t, err)
	require.NotEmpty(t, children)
	return strings.Fields(string(children))
}

// The log is JSON, without queries, ids, bodies, or headers of the client.
func TestTheLogKeepsSecrets(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(nil)
	dead.Close()
	e := start(t, nginx.Config{APIs: []string{dead.Listener.Addr().String()}, Rate: 1, Burst: 1})
	for _, path := range []string{"/v1/payments/secret-id?email=secret", "/secret/secret", "/webhooks/mercadopago?secret", "/console/payments?q=secret"} {
		for range 3 {
			do(t, http.DefaultClient, http.MethodPost, e.url+path, strings.NewReader("secret"), "Authorization", "Bearer secret", "User-Agent", "secret",
				"Referer", "secret", "X-Request-Id", `bad "secret"`)
		}
	}
	var lines []string
	require.Eventually(t, func() bool {
		log, err := os.ReadFile(e.log)
		lines = strings.Split(strings.TrimSpace(string(log)), "\n")
		return err == nil && len(lines) == 12
	}, 45*time.Second, 20*time.Millisecond)
	require.NotContains(t, strings.Join(lines, "\n"), "secret")
	places := map[any]int{}
	for _, line := range lines {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
		require.Equal(t, "127.0.0.1", entry["remote"])
		require.Equal(t, http.MethodPost, entry["method"], "what was asked, whoever answers")
		places[entry["place"]]++
	}
	require.Equal(t, map[any]int{"/v1/payments": 3, "other": 3, "/webhooks/mercadopago": 3, "/console": 3}, places)
}
