// Package api serves HTTP: the REST API for client apps and operators, Mercado Pago's webhook, and the health checks. The contract is
// openapi.yaml; the code follows it.
//
// Its one rule: it confirms nothing that could still be lost. A payment is confirmed when its workflow has started, a webhook when it
// is on disk. Handlers decode a request, call one of the packages below and encode the result; what may happen to a payment is
// decided in its workflow.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/api/paypage"
	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/evidence"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/qrcode"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/replay"
	"github.com/onlywave/onlywave/internal/tracing"
)

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml

// Config is what a Server needs. All of it is required unless it says otherwise.
type Config struct {
	Workflows workflowClient
	Database  database
	Publisher publisher // to RabbitMQ
	Verifier  *mercadopago.Verifier
	Breakers  *breaker.Fleet      // operators see and override them
	Provider  *mercadopago.Client // asked how a buyer may pay, and what installments cost
	Answers   *cache.Answers      // what the provider said to that
	Limiter   *ratelimit.Limiter
	Limits    Limits          // optional: the zero value limits nothing
	Cache     *cache.Payments // optional: without it payments are read from the database only
	Replays   *replay.Guard   // optional: without it a copy of a notification is stored like the first
	Console   http.Handler    // optional: serves the operators' pages at /console
	PayPages  *paypage.Pages  // optional: serves the buyers' pages at /pay
	PayLinks  *paylink.Links  // optional: with it payments link to these pages

	Environment  string // test or live: API keys of the other one are refused
	CursorSecret []byte // signs the cursors of lists; the same in every process, 32 bytes or more
	PublicURL    string // where client apps reach the API, such as https://pay.example.com

	TemporalUIURL     string   // optional: with it payments link to their workflow in the Web UI
	TemporalNamespace string   // of the workflows, for that link
	TrustedProxies    []string // optional: addresses or networks whose X-Forwarded-For is trusted

	Log   *slog.Logger
	Ready func(context.Context) map[string]error // dependencies by name; nil means available
}

// Server answers HTTP requests. It is safe for concurrent use.
type Server struct {
	config      Config
	contract    *contract
	payments    lookup.Payments
	keys        *keys
	cursors     cursors
	deadLetters deadletter.Actions
	findings    finding.Actions
	commands    command.Actions
	evidence    evidence.Actions
	uploads     chan struct{} // one for each request whose documents are in memory
	engine      *gin.Engine
	requests    *prometheus.HistogramVec
	draining    atomic.Bool

	readiness readiness
}

// New makes a Server, or says what is missing.
func New(c Config) (*Server, error) {
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	c.TemporalUIURL = strings.TrimRight(c.TemporalUIURL, "/")
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configure api: %w", err)
	}
	contract, err := loadContract(c.PublicURL)
	if err != nil {
		return nil, err
	}
	return newServer(c, contract)
}

// newServer is New with a contract that is loaded already: tests have many servers and load it once.
func newServer(c Config, contract *contract) (*Server, error) {
	s := &Server{
		config: c, contract: contract, keys: newKeys(c.Database), cursors: cursors{secret: c.CursorSecret}, requests: newRequests(),
		payments:    lookup.Payments{Database: c.Database, Workflows: c.Workflows, Cache: c.Cache},
		deadLetters: deadletter.Actions{Store: c.Database, Redriver: c.Workflows},
		findings:    finding.Actions{Store: c.Database},
		commands:    command.Actions{Payments: c.Database, Engine: c.Workflows},
		evidence:    evidence.Actions{Store: c.Database, Provider: c.Provider, Engine: c.Workflows},
		uploads:     make(chan struct{}, maxUploads),
	}
	s.readiness.ask = c.Ready
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	if err := s.engine.SetTrustedProxies(c.TrustedProxies); err != nil {
		return nil, fmt.Errorf("configure api: trusted proxies: %w", err)
	}
	s.mount()
	return s, nil
}

func (c Config) validate() error {
	missing := func(what string, is bool) error {
		if is {
			return errors.New(what + " is missing")
		}
		return nil
	}
	var publicURL error
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		publicURL = errors.New("PublicURL must be an http or https URL")
	}
	var cursorSecret error
	if len(c.CursorSecret) < 32 {
		cursorSecret = errors.New("CursorSecret must have at least 32 bytes")
	}
	return errors.Join(
		missing("Workflows", c.Workflows == nil), missing("Database", c.Database == nil),
		missing("Publisher", c.Publisher == nil), missing("Verifier", c.Verifier == nil), missing("Breakers", c.Breakers == nil),
		missing("Provider", c.Provider == nil), missing("Answers", c.Answers == nil),
		missing("Limiter", c.Limiter == nil), missing("Environment", c.Environment == ""),
		missing("Log", c.Log == nil), missing("Ready", c.Ready == nil),
		missing("TemporalNamespace", c.TemporalUIURL != "" && c.TemporalNamespace == ""),
		publicURL, cursorSecret,
	)
}

// ServeHTTP makes Server an http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Drain makes /readyz answer "not ready" from now on, so that load balancers choose other processes before this one stops. Requests
// are still served; pages that wait for news ask another process.
func (s *Server) Drain() {
	s.draining.Store(true)
	if s.config.PayPages != nil {
		s.config.PayPages.End()
	}
}

// Drained returns a context for serving, which ends some time after ctx: until then the load balancers have noticed that the server
// drains, and send nothing more. stop ends it at once.
func (s *Server) Drained(ctx context.Context, wait time.Duration) (serving context.Context, stop context.CancelFunc) {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		s.Drain()
		time.AfterFunc(wait, end)
	})
	return serving, func() { forget(); end() }
}

// route is one row of the table below. A handler returns its error, and the server renders it.
type route struct {
	method string
	path   string
	scope  access.Scope
	within time.Duration // the deadline of the handler; 0: it sets its own
	handle func(*gin.Context) error
}

// public routes need no API key.
const public access.Scope = ""

func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/v1/payments", access.ScopePaymentsWrite, workflowTimeout, s.createPayment},
		{http.MethodGet, "/v1/payments", access.ScopePaymentsRead, databaseTimeout, s.listPayments},
		{http.MethodGet, "/v1/payments/:id", access.ScopePaymentsRead, databaseTimeout, s.getPayment},
		{http.MethodGet, "/v1/payments/:id/qrcode.png", access.ScopePaymentsRead, databaseTimeout, s.qrCode("image/png", qrcode.PNG)},
		{http.MethodGet, "/v1/payments/:id/qrcode.svg", access.ScopePaymentsRead, databaseTimeout, s.qrCode("image/svg+xml", qrcode.SVG)},
		{http.MethodGet, "/v1/payments/:id/events", access.ScopePaymentsRead, databaseTimeout, s.listEvents},
		{http.MethodPost, "/v1/payments/:id/refunds", access.ScopeRefundsWrite, workflowTimeout, s.createRefund},
		{http.MethodGet, "/v1/payments/:id/ledger", access.ScopePaymentsRead, databaseTimeout, s.listLedger},
		{http.MethodGet, "/v1/payment-methods", access.ScopePaymentsRead, providerTimeout, s.listPaymentMethods},
		{http.MethodGet, "/v1/installments", access.ScopePaymentsRead, providerTimeout, s.listInstallments},
		{http.MethodPost, "/v1/checkouts", access.ScopePaymentsWrite, workflowTimeout, s.createCheckout},
		{http.MethodGet, "/v1/checkouts", access.ScopePaymentsRead, databaseTimeout, s.listCheckouts},
		{http.MethodGet, "/v1/checkouts/:id", access.ScopePaymentsRead, databaseTimeout, s.getCheckout},
		{http.MethodPost, "/v1/checkouts/:id/cancel", access.ScopePaymentsWrite, workflowTimeout, s.cancelCheckout},
		{http.MethodGet, "/v1/payments/:id/disputes", access.ScopePaymentsRead, databaseTimeout, s.listPaymentDisputes},
		{http.MethodGet, "/v1/disputes", access.ScopePaymentsRead, databaseTimeout, s.listDisputes},
		{http.MethodGet, "/v1/disputes/:id", access.ScopePaymentsRead, databaseTimeout, s.getDispute},
		{http.MethodPost, "/v1/disputes/:id/evidence", access.ScopePaymentsWrite, 0, s.sendEvidence},
		{http.MethodPost, "/v1/customers", access.ScopePaymentsWrite, providerTimeout, s.createCustomer},
		{http.MethodGet, "/v1/customers/:id", access.ScopePaymentsRead, databaseTimeout, s.getCustomer},
		{http.MethodDelete, "/v1/customers/:id", access.ScopePaymentsWrite, providerTimeout, s.deleteCustomer},
		{http.MethodPost, "/v1/customers/:id/cards", access.ScopePaymentsWrite, providerTimeout, s.saveCard},
		{http.MethodGet, "/v1/customers/:id/cards", access.ScopePaymentsRead, databaseTimeout, s.listCards},
		{http.MethodGet, "/v1/customers/:id/cards/:card_id", access.ScopePaymentsRead, databaseTimeout, s.getCard},
		{http.MethodDelete, "/v1/customers/:id/cards/:card_id", access.ScopePaymentsWrite, providerTimeout, s.deleteCard},
		{http.MethodGet, "/v1/balance", access.ScopePaymentsRead, databaseTimeout, s.getBalance},
		{http.MethodGet, "/v1/payments/:id/refunds", access.ScopePaymentsRead, databaseTimeout, s.listRefunds},
		{http.MethodGet, "/v1/payments/:id/refunds/:refund_id", access.ScopePaymentsRead, databaseTimeout, s.getRefund},
		{http.MethodPost, "/v1/payments/:id/capture", access.ScopePaymentsWrite, workflowTimeout, s.capturePayment},
		{http.MethodPost, "/v1/payments/:id/cancel", access.ScopePaymentsWrite, workflowTimeout, s.cancelPayment},

		{http.MethodPost, "/v1/payments/:id/look", access.ScopeOperationsWrite, workflowTimeout, s.lookAtPayment},
		{http.MethodPost, "/v1/payments/:id/retry", access.ScopeOperationsWrite, workflowTimeout, s.retryPayment},
		{http.MethodPost, "/v1/payments/:id/hold", access.ScopeOperationsWrite, workflowTimeout, s.holdPayment},
		{http.MethodPost, "/v1/payments/:id/release", access.ScopeOperationsWrite, workflowTimeout, s.releasePayment},
		{http.MethodPost, "/v1/payments/:id/give-up", access.ScopeOperationsWrite, workflowTimeout, s.giveUpPayment},
		{http.MethodPost, "/v1/payments/:id/settle", access.ScopeOperationsWrite, workflowTimeout, s.settlePayment},

		{http.MethodGet, "/v1/dead-letters", access.ScopeOperationsRead, databaseTimeout, s.listDeadLetters},
		{http.MethodGet, "/v1/dead-letters/:id", access.ScopeOperationsRead, databaseTimeout, s.getDeadLetter},
		{http.MethodPost, "/v1/dead-letters/:id/redrive", access.ScopeOperationsWrite, workflowTimeout, s.redriveDeadLetter},
		{http.MethodPost, "/v1/dead-letters/:id/discard", access.ScopeOperationsWrite, databaseTimeout, s.discardDeadLetter},
		{http.MethodPost, "/v1/dead-letters/redrive", access.ScopeOperationsWrite, workflowTimeout, s.redriveDeadLetters},
		{http.MethodGet, "/v1/redrives/:id", access.ScopeOperationsRead, workflowTimeout, s.getRedrive},

		{http.MethodGet, "/v1/breakers", access.ScopeOperationsRead, databaseTimeout, s.listBreakers},
		{http.MethodGet, "/v1/breakers/:name", access.ScopeOperationsRead, databaseTimeout, s.getBreaker},
		{http.MethodPut, "/v1/breakers/:name", access.ScopeOperationsWrite, workflowTimeout, s.setBreaker},
		{http.MethodGet, "/v1/reconciliation", access.ScopeOperationsRead, databaseTimeout, s.getReconciliation},
		{http.MethodPost, "/v1/reconciliation/findings/:id/close", access.ScopeOperationsWrite, databaseTimeout, s.closeFinding},

		{http.MethodPost, "/webhooks/mercadopago", public, 0, s.receiveMercadoPago},

		{http.MethodGet, "/livez", public, 0, s.live},
		{http.MethodGet, "/readyz", public, 0, s.ready},

		{http.MethodGet, "/openapi.json", public, 0, s.openAPI},
		{http.MethodGet, "/docs", public, 0, s.docs},
		{http.MethodGet, "/docs/:file", public, 0, s.docsFile},
	}
}

func (s *Server) mount() {
	s.engine.RedirectTrailingSlash = false // a redirected POST loses its body
	s.engine.HandleMethodNotAllowed = true
	s.engine.Use(s.observe, s.recover)
	s.engine.NoRoute(s.answer(func(*gin.Context) error { return refuse(pathUnknown, "there is nothing at this path") }))
	s.engine.NoMethod(s.answer(methodNotAllowed))
	for _, r := range s.routes() {
		var steps gin.HandlersChain
		if tracing.On() && r.isTraced() {
			steps = append(steps, trace)
		}
		if r.scope != public {
			steps = append(steps, s.answer(within(databaseTimeout, s.authorize(r.scope))), s.answer(s.contract.checkQuery(r)))
		}
		steps = append(steps, s.answer(within(r.within, r.handle)))
		s.engine.Handle(r.method, r.path, steps...)
		if r.method == http.MethodGet {
			s.engine.Handle(http.MethodHead, r.path, steps...)
		}
	}
	if s.config.Console != nil {
		s.engine.Any("/console", s.console)
		s.engine.Any("/console/*page", s.console)
	}
	if s.config.PayPages != nil {
		pay := func(c *gin.Context) { s.config.PayPages.ServeHTTP(c.Writer, c.Request) }
		s.engine.GET(paylink.Prefix+"*page", pay)
		s.engine.POST(paylink.Prefix+"*page", pay)
	}
}

// console passes a request on to the operators' pages, with the address of the browser as its remote address.
func (s *Server) console(c *gin.Context) {
	r := c.Request.WithContext(c.Request.Context())
	r.RemoteAddr = net.JoinHostPort(c.ClientIP(), "0")
	s.config.Console.ServeHTTP(c.Writer, r)
}

// answer makes a gin handler of a step, and ends the request when the step fails.
func (s *Server) answer(step func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := step(c); err != nil {
			s.answerError(c, err)
			c.Abort()
		}
	}
}

// methodNotAllowed also answers OPTIONS. gin has set the Allow header already.
func methodNotAllowed(c *gin.Context) error {
	if c.Request.Method == http.MethodOptions {
		c.Status(http.StatusNoContent)
		return nil
	}
	return refuse(wrongMethod, "this path accepts "+c.Writer.Header().Get("Allow"))
}
