// Package nginx makes the configuration of the balancer in front of the API, from one template for every place where
// the platform runs. Its one rule: nginx decides nothing that the API decides. It refuses only what the API would
// refuse too, in the same words, and never repeats a request whose repetition is the client's to decide.
package nginx

import (
	_ "embed"
	"errors"
	"strings"
	"text/template"
)

// Config is what differs between places. Listen, APIs, Rate and Burst are needed.
type Config struct {
	Listen string   // host:port
	APIs   []string // host:port of each API process, or of one name that stands for all with Resolver
	// Resolver is a name server that is asked every few seconds where the APIs are; empty: they stay where they are.
	// It needs nginx 1.27.3.
	Resolver string
	Trusted  []string // addresses or networks of balancers before this one, whose X-Forwarded-For is believed
	// Rate is how many requests a second one address may send, and Burst how many more at once. It is an outer wall
	// against floods; webhooks have none.
	Rate, Burst int
	Workers     int // nginx's own processes; 0: one for each core of the machine, also in a container that may use less
	// Certificate and CertificateKey are PEM files; empty: no TLS.
	Certificate, CertificateKey string
}

// Compose is the configuration in docker-compose.yml, kept in compose.conf.
var Compose = Config{Listen: "8080", APIs: []string{"api:8080"}, Resolver: "127.0.0.11", Rate: 100, Burst: 200}

// Kubernetes is the configuration in deploy/kubernetes, kept in kubernetes.conf.
var Kubernetes = Config{
	Listen: "8443", APIs: []string{"api.onlywave.svc.cluster.local:8080"}, Resolver: "kube-dns.kube-system.svc.cluster.local",
	Rate: 100, Burst: 200, Workers: 2, Certificate: "/etc/tls/tls.crt", CertificateKey: "/etc/tls/tls.key",
}

//go:embed nginx.conf.tmpl
var text string

var parsed = template.Must(template.New("nginx.conf").Parse(text))

// webhooks is where Mercado Pago's notifications come in.
const webhooks = "/webhooks/mercadopago"

// sessionCookie is the console's, with a prefix over https.
const sessionCookie = "onlywave_session"

// problem is an answer of nginx's own, in the API's words.
type problem struct {
	On         []int // what happened, as nginx counts
	Status     int
	Code       string
	Title      string
	Detail     string
	RetryAfter int // seconds
}

// problems is everything that nginx says by itself. 494 is a header that is too large, 495 to 497 are failed TLS.
// Of 502 and 504 a client needs to know only that it should come again, which is what the API says with 503.
var problems = []problem{
	{On: []int{400, 414, 494, 495, 496, 497}, Status: 400, Code: "invalid_header", Title: "A header is missing or cannot be read",
		Detail: "the request line or a header cannot be read, or is too large"},
	{On: []int{405}, Status: 405, Code: "method_not_allowed", Title: "The method is not allowed here",
		Detail: "nothing here answers to this method"},
	{On: []int{413}, Status: 413, Code: "body_too_large", Title: "The body is too large", Detail: "send at most 64 KiB"},
	{On: []int{429}, Status: 429, Code: "rate_limited", Title: "Too many requests",
		Detail: "there are too many requests from this address", RetryAfter: 1},
	{On: []int{500, 502, 503, 504}, Status: 503, Code: "unavailable", Title: "Temporarily unavailable",
		Detail: "send the request again, with the same Idempotency-Key", RetryAfter: 2},
}

// Render is the configuration as a file.
func Render(c Config) (string, error) {
	if c.Listen == "" || len(c.APIs) == 0 || c.Rate < 1 || c.Burst < 1 || (c.Certificate == "") != (c.CertificateKey == "") {
		return "", errors.New("configure nginx: Listen, APIs, Rate and Burst are needed, and a certificate needs its key")
	}
	var out strings.Builder
	err := parsed.Execute(&out, struct {
		Config
		Webhooks      string
		SessionCookie string
		Problems      []problem
	}{c, webhooks, sessionCookie, problems})
	return out.String(), err
}
