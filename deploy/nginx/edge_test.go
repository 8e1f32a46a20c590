package nginx_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
	"github.com/onlywave/onlywave/test/devstack"
)

// edge is a real nginx in front of servers that report what they received.
type edge struct {
	*devstack.Nginx
	url, log, inner string
}

func start(t *testing.T, c nginx.Config) *edge {
	port, err := devstack.FreePort(0)
	require.NoError(t, err)
	inner, err := devstack.FreePort(0)
	require.NoError(t, err)
	c.Listen, c.Inner = fmt.Sprintf("127.0.0.1:%d", port), fmt.Sprintf("127.0.0.1:%d", inner)
	c = roomy(c)
	config, err := nginx.Render(c)
	require.NoError(t, err)
	e := &edge{url: "http://" + c.Listen, inner: c.Inner, log: filepath.Join(t.TempDir(), "nginx.log")}
	e.Nginx, err = devstack.StartNginx(t.Context(), devstack.NginxOptions{Dir: t.TempDir(), LogFile: e.log, Config: config, Port: port})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Stop()) })
	return e
}

// roomy sets wide limits where the test sets none.
func roomy(c nginx.Config) nginx.Config {
	if c.Rate == 0 {
		c.Rate, c.Burst = 1000, 1000
	}
	if c.Connections == 0 {
		c.Connections, c.Requests = 1000, 1000
	}
	c.Capacity = cmp.Or(c.Capacity, 1000)
	c.Workers = cmp.Or(c.Workers, 2)
	return c
}

// echo responds with the received request, with the status that it asks for.
func echo(t *testing.T, name string) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_ = json.NewEncoder(w).Encode(arrived{Server: name, URI: r.RequestURI, Header: r.Header, Body: len(body)})
	})
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// from is a client with its own local address; all of 127.0.0.0/8 is this machine.
func from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: 45 * time.Second, Transport: &http.Transport{DialContext: dialer.DialContext}}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// requireProblem expects a problem document in the API's form.
func (a answer) requireProblem(t *testing.T, status int, code, instance string) {
	t.Helper()
	require.Equal(t, status, a.status, string(a.body))
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var p map[string]any
	require.NoError(t, json.Unmarshal(a.body, &p), string(a.body))
	require.Equal(t, "urn:onlywave:problem:"+code, p["type"])
	require.Equal(t, code, p["code"])
	require.InDelta(t, status, p["status"], 0)
	require.Equal(t, instance, p["instance"])
	require.Equal(t, a.header.Get("X-Request-Id"), p["request_id"])
	require.NotEmpty(t, p["request_id"])
	require.NotContains(t, strings.ToLower(string(a.body)+fmt.Sprint(a.header)), "nginx/", "no version")
}

func do(t *testing.T, client *http.Client, method, url string, body io.Reader, header ...string) answer {
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, content}
}
