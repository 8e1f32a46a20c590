package nginx_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/nginx"
)

// begun are ways to hold a connection: the bytes that are sent before the client falls silent.
var begun = map[string]string{
	"nothing":           "",
	"half a header":     "POST /v1/payments HTTP/1.1\r\nHost: a\r\nX-",
	"half a body":       "POST /v1/payments HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
	"half a webhook":    "POST /webhooks/mercadopago HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
	"a whole request":   "GET /v1/payments HTTP/1.1\r\nHost: a\r\n\r\n",
	"a refused request": "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{",
}

// hold opens connections from an address and sends the text on each.
func hold(t *testing.T, e *edge, address string, n int, text string) []net.Conn {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	all := make([]net.Conn, n)
	for i := range all {
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(e.url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		all[i] = conn
		_, _ = conn.Write([]byte(text)) // it may be closed already
	}
	return all
}

// open counts the connections that the other side has not closed.
func open(all []net.Conn) int {
	var counting sync.WaitGroup
	var mu sync.Mutex
	n := 0
	for _, conn := range all {
		counting.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			for {
				_, err := conn.Read(make([]byte, 4096))
				if err == nil {
					continue
				}
				if os.IsTimeout(err) {
					mu.Lock()
					n++
					mu.Unlock()
				}
				return
			}
		})
	}
	counting.Wait()
	return n
}

// An address holds at most its share of connections, whatever it does with them, and others are served.
func TestOneAddressHasItsShareOfConnections(t *testing.T) {
	t.Parallel()
	const share = 20
	e := start(t, nginx.Config{APIs: []string{slowReader(t)}, Connections: share, Requests: share, Capacity: 100})
	n := 1
	for name, text := range begun {
		n++
		all := hold(t, e, fmt.Sprintf("127.0.0.%d", n), 5*share, text)
		require.LessOrEqual(t, open(all), share, name)
		served := do(t, from("127.0.1.1"), http.MethodGet, e.url+"/v1/payments", nil)
		require.Equal(t, http.StatusOK, served.status, name)
		for _, conn := range all {
			conn.Close()
		}
	}
}

// slowReader is a server that reads a body to its end.
func slowReader(t *testing.T) string {
	return serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
}

// All addresses together hold no more connections than files and memory allow.
func TestAllTogetherHaveABound(t *testing.T) {
	t.Parallel()
	const each, capacity = 20, 50
	e := start(t, nginx.Config{APIs: []string{slowReader(t)}, Connections: each, Requests: each, Capacity: capacity})
	var all []net.Conn
	for i := range 5 {
		all = append(all, hold(t, e, fmt.Sprintf("127.0.2.%d", i+1), each, begun["half a body"])...)
	}
	require.Equal(t, capacity, open(all))
}

// One HTTP/2 connection carries many requests, which are counted, too. Webhooks may have as many requests as connections.
func TestRequestsInHandAreBounded(t *testing.T) {
	t.Parallel()
	const requests, connections = 5, 15
	hung := make(chan struct{})
	api := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-hung })
	t.Cleanup(func() { close(hung) })
	certificate, key, trust := selfSigned(t)
	e := start(t, nginx.Config{APIs: []string{api}, Connections: connections, Requests: requests, Certificate: certificate, CertificateKey: key})
	url := strings.Replace(e.url, "http:", "https:", 1)
	for path, most := range map[string]int{"/v1/payments": requests, "/webhooks/mercadopago": connections} {
		client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trust}}}
		greeting := do(t, client, http.MethodGet, url+"/livez", nil) // or each request would begin with a connection of its own
		require.Equal(t, http.StatusOK, greeting.status)
		statuses := make(chan int, 100)
		for range cap(statuses) {
			go func() {
				response, err := client.Post(url+path, "application/json", strings.NewReader("{}"))
				if err != nil {
					statuses <- 0
					return
				}
				defer response.Body.Close()
				statuses <- response.StatusCode
			}()
		}
		counts := map[int]int{}
		for range cap(statuses) {
			counts[<-statuses]++
		}
		require.Equal(t, map[int]int{0: most, http.StatusTooManyRequests: cap(statuses) - most}, counts, path)
		client.CloseIdleConnections()
	}
}

// A body that arrives in small pieces, each within the timeout between two reads, ends at the API's timeout for the whole body.
func TestABodyHasATotalTime(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
		w.WriteHeader(http.StatusRequestTimeout)
	}))
	api.Config.ReadTimeout = time.Second
	api.Start()
	t.Cleanup(api.Close)
	e := start(t, nginx.Config{APIs: []string{api.Listener.Addr().String()}})
	conn := hold(t, e, "127.0.0.2", 1, begun["half a body"])[0]
	crumbs := time.NewTicker(100 * time.Millisecond)
	defer crumbs.Stop()
	tooLong := time.After(45 * time.Second)
	for {
		select {
		case err := <-ended:
			require.True(t, os.IsTimeout(err), "%v", err)
			return
		case <-crumbs.C:
			_, err := conn.Write([]byte("x"))
			require.NoError(t, err)
		case <-tooLong:
			require.Fail(t, "the body may last for ever")
		}
	}
}

// A full balancer, over TLS and in the middle of bodies, stays within its container's memory.
func TestAFullBalancerFitsItsContainer(t *testing.T) {
	t.Parallel()
	const sample = 1000
	certificate, key, trust := selfSigned(t)
	c := nginx.Kubernetes
	c.APIs, c.ResolverFile, c.Certificate, c.CertificateKey = []string{slowReader(t)}, "", certificate, key
	c.Connections, c.Requests = sample, sample
	e := start(t, c)
	empty := memory(t, e)
	for range sample { // one after the other: each has seconds for its handshake
		secure := tls.Client(hold(t, e, "127.0.0.2", 1, "")[0], &tls.Config{RootCAs: trust, ServerName: "127.0.0.1"})
		_, err := secure.Write([]byte(begun["half a body"] + strings.Repeat("x", 20<<10)))
		require.NoError(t, err)
	}
	full := memory(t, e)
	most := empty + (full-empty)*c.Capacity/sample
	t.Logf("%d KiB empty, %d KiB with %d connections, %d MiB with %d", empty>>10, full>>10, sample, most>>20, c.Capacity)
	for file, pattern := range map[string]string{
		"../../docker-compose.yml":      `(?s)\n  nginx:\n.*?memory: (\d+)M`,
		"../kubernetes/base/nginx.yaml": `limits: \{cpu: "\d+", memory: (\d+)Mi\}`,
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		limit := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
		require.NotNil(t, limit, file)
		mebibytes, err := strconv.Atoi(limit[1])
		require.NoError(t, err)
		require.Less(t, most, mebibytes<<20, "%s: %d connections need %d MiB", file, c.Capacity, most>>20)
	}
}

// A client that is refused while it sends, and reads the response only later, still gets it.
func TestWhoStillSendsSeesTheRefusal(t *testing.T) {
	t.Parallel()
	e := start(t, nginx.Config{APIs: []string{slowReader(t)}})
	for length, begins := range map[string]string{
		"Content-Length: 2000000": "x", "Transfer-Encoding: chunked": "1e8480\r\n" + strings.Repeat("x", 70_000),
	} {
		conn := hold(t, e, "127.0.0.2", 1, "POST /v1/payments HTTP/1.1\r\nHost: a\r\n"+length+"\r\n\r\n"+begins)[0]
		for range 8 {
			time.Sleep(50 * time.Millisecond) // what is tried is a sender that takes its time
			_, err := io.WriteString(conn, strings.Repeat("x", 1000))
			require.NoError(t, err, length)
		}
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
		line := make([]byte, len("HTTP/1.1 413"))
		_, err := io.ReadFull(conn, line)
		require.NoError(t, err, length)
		require.Equal(t, "HTTP/1.1 413", string(line), length)
	}
}

// memory is the private memory of nginx's processes, in bytes.
func memory(t *testing.T, e *edge) (bytes int) {
	t.Helper()
	for _, pid := range workers(t, e) {
		text, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		require.NoError(t, err)
		found := regexp.MustCompile(`(?m)^Rss:\s+(\d+) kB$`).FindStringSubmatch(string(text))
		kibibytes, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		bytes += kibibytes << 10
	}
	return bytes
}
