// Package nginx makes the configuration of the balancer in front of the API, from one template for every environment. Its one rule: nginx
// decides nothing that the API decides. It refuses only what the API would refuse too, in the same words, and never repeats a request
// that only the client may repeat.
package nginx

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// Config is what differs between environments. All numbers, Listen, Inner and APIs are required.
type Config struct {
	Listen string // host:port
	// Inner is host:port on loopback for HTTP, behind the server that counts connections. It is not used with Trusted.
	Inner string
	APIs  []string // host:port of each API process, or of one name for all of them with Resolver
	// Resolver is a name server that is asked every few seconds for the APIs' addresses; empty: the addresses do not change.
	// It needs nginx 1.27.3. ResolverFile is a file that names it instead, with a directive such as "resolver 10.0.0.10 valid=5s;".
	Resolver, ResolverFile string
	// Trusted are addresses or networks of balancers before this one, whose X-Forwarded-For is trusted. They limit the
	// connections of an address, not this one.
	Trusted []string
	// Rate is how many requests a second one address may send, and Burst how many more at once. It protects against floods;
	// webhooks have no rate.
	Rate, Burst int
	// Connections is how many connections one address may have at one time, and Requests how many requests in flight. Webhooks,
	// which have few senders, may have as many requests as connections.
	Connections, Requests int
	Capacity              int // connections of all addresses together, within the limits of files and memory
	Workers               int // nginx's worker processes; by default nginx counts the machine's cores, even in a container that may use fewer
	// Certificate and CertificateKey are PEM files; empty: no TLS.
	Certificate, CertificateKey string
}

// Compose is the configuration in docker-compose.yml, kept in compose.conf.
var Compose = Config{
	Listen: "8080", Inner: "127.0.0.1:8081", APIs: []string{"api:8080"}, Resolver: "127.0.0.11", Rate: 100, Burst: 200,
	Connections: 1024, Requests: 512, Capacity: 8192, Workers: 2,
}

// Kubernetes is the configuration in deploy/kubernetes, kept in kubernetes.conf.
var Kubernetes = Config{
	Listen: "8443", Inner: "127.0.0.1:8444", APIs: []string{"api.onlywave.svc.cluster.local:8080"}, ResolverFile: "/tmp/resolver.conf",
	Rate: 100, Burst: 200, Connections: 1024, Requests: 512, Capacity: 8192, Workers: 2,
	Certificate: "/etc/tls/tls.crt", CertificateKey: "/etc/tls/tls.key",
}

//go:embed nginx.conf.tmpl
var text string

var parsed = template.Must(template.New("nginx.conf").Parse(text))

// webhooks is the path of Mercado Pago's notifications.
const webhooks = "/webhooks/mercadopago"

// documents is how many bytes a body with documents about a dispute may have: what the API takes.
const documents = 10_000_000 + 64<<10

// sessionCookie is the console's cookie; it has a prefix over https.
const sessionCookie = "onlywave_session"

// problem is a response of nginx itself, in the API's words.
type problem struct {
	On         []int // nginx's status codes
	Status     int
	Code       string
	Title      string
	Detail     string
	RetryAfter int // seconds
}

// problems are all responses of nginx itself. 494 is a header that is too large, 495 to 497 are failed TLS. 502 and 504 become the API's
// 503: the client only needs to know that it should try again.
var problems = []problem{
	{On: []int{400, 414, 494, 495, 496, 497}, Status: 400, Code: "invalid_header", Title: "A header is missing or cannot be read",
		Detail: "the request line or a header cannot be read, or is too large"},
	{On: []int{405}, Status: 405, Code: "method_not_allowed", Title: "The method is not allowed here",
		Detail: "nothing here answers to this method"},
	{On: []int{413}, Status: 413, Code: "body_too_large", Title: "The body is too large", Detail: "send at most $largest"},
	{On: []int{429}, Status: 429, Code: "rate_limited", Title: "Too many requests",
		Detail: "there are too many requests from this address", RetryAfter: 1},
	{On: []int{500, 502, 503, 504}, Status: 503, Code: "unavailable", Title: "Temporarily unavailable",
		Detail: "send the request again, with the same Idempotency-Key", RetryAfter: 2},
}

// Render is the configuration as a file.
func Render(c Config) (string, error) {
	if err := c.validate(); err != nil {
		return "", fmt.Errorf("configure nginx: %w", err)
	}
	var out strings.Builder
	err := parsed.Execute(&out, struct {
		Config
		Resolve                  bool
		WorkerConnections, Files int
		Webhooks                 string
		Documents                int
		SessionCookie            string
		Problems                 []problem
	}{c, c.Resolver+c.ResolverFile != "", c.workerConnections(), c.workerConnections() + ownFiles, webhooks, documents, sessionCookie, problems})
	return out.String(), err
}

func (c Config) validate() error {
	for _, n := range []int{c.Rate, c.Burst, c.Connections, c.Requests, c.Capacity, c.Workers} {
		if n < 1 {
			return errors.New("each of Rate, Burst, Connections, Requests, Capacity and Workers must be at least 1")
		}
	}
	switch {
	case c.Listen == "" || len(c.APIs) == 0:
		return errors.New("both Listen and APIs are needed")
	case c.Inner == "" && len(c.Trusted) == 0:
		return errors.New("without Trusted, Inner is needed")
	case (c.Certificate == "") != (c.CertificateKey == ""):
		return errors.New("a certificate needs its key")
	}
	return nil
}

// ownFiles is more than a worker has open besides its connections: listeners, logs, its configuration.
const ownFiles = 256

// workerConnections is enough for one worker that serves all clients: each client's connection, both ends of the one from stream to
// http, and the one to an API process.
func (c Config) workerConnections() int { return 4*c.Capacity + ownFiles }
