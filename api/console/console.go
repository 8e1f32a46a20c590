// Package console serves the operators' pages, at /console behind a log-in: the state of the platform, payments, dead letters,
// breakers, reconciliation, the audit.
//
// Its one rule: it decides nothing about payments and dead letters. A button calls the same package as a request of the REST API and
// has the same rules, in the name of the logged-in user. The pages are HTML and one style sheet; no script may run.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/presence"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/story"
	"github.com/onlywave/onlywave/workflows"
)

// pageTimeout is the timeout of a page.
const pageTimeout = 10 * time.Second

// maxForm is the largest size of a form, in bytes.
const maxForm = 64 << 10

// Config is what a Console needs. Fields are required unless they say otherwise.
type Config struct {
	Store    *postgres.Store
	Payments lookup.Payments // of every client app
	Stories  story.Teller
	Redrives redriver
	Commands command.Engine // carries out orders on payments
	Breakers *breaker.Fleet
	Presence *presence.Board // who looks at which dead letter
	Limiter  *ratelimit.Limiter
	Sessions *scs.SessionManager
	Ready    func(context.Context) map[string]error               // the state of each dependency by name; nil: it works
	Queues   func(context.Context) ([]rabbitmq.QueueDepth, error) // of RabbitMQ

	Seal                *secondfactor.Seal // optional; without it users cannot set up a second factor
	RequireSecondFactor bool               // operators must set one up before anything else

	PublicURL         string // of the console in browsers, such as https://pay.example.com
	TemporalUIURL     string // optional; adds links to workflows in the Web UI
	TemporalNamespace string // for these links, and for the codec

	Codec        converter.PayloadCodec // optional; decrypts what Temporal stores for the Web UI
	CodecOrigins []string               // of the Web UI in browsers, such as https://temporal.example.com

	Log *slog.Logger
}

// Console serves /console and everything below. It is safe for concurrent use. The RemoteAddr of a request must be the client's
// address, also behind load balancers.
type Console struct {
	config      Config
	deadLetters deadletter.Actions
	findings    finding.Actions
	commands    command.Actions
	known       figuresCache
	handler     http.Handler
}

// redriver starts redrives and reads their progress.
type redriver interface {
	deadletter.Redriver
	RedriveProgress(ctx context.Context, id string) (workflows.RedriveProgress, error) // kind NotFound if there is none
}

// New makes a Console, or returns what is missing.
func New(c Config) (*Console, error) {
	if c.Store == nil || c.Payments.Database == nil || c.Payments.Workflows == nil || c.Stories.Database == nil || c.Stories.Workflows == nil || c.Redrives == nil || c.Commands == nil || c.Breakers == nil || c.Presence == nil || c.Limiter == nil || c.Sessions == nil || c.Ready == nil ||
		c.Queues == nil || c.Log == nil {
		return nil, errors.New("configure console: a required field of Config is not set")
	}
	if c.RequireSecondFactor && c.Seal == nil {
		return nil, errors.New("configure console: RequireSecondFactor needs a Seal")
	}
	c.TemporalUIURL = strings.TrimRight(c.TemporalUIURL, "/")
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" {
		return nil, errors.New("configure console: PublicURL must be an http or https URL")
	}
	own := http.NewCrossOriginProtection()
	if err := own.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, fmt.Errorf("configure console: %w", err)
	}
	console := &Console{
		config: c, deadLetters: deadletter.Actions{Store: c.Store, Redriver: c.Redrives},
		findings: finding.Actions{Store: c.Store},
		commands: command.Actions{Payments: c.Store, Engine: c.Commands},
	}
	own.SetDenyHandler(http.HandlerFunc(console.refuseCrossSite))
	handler := http.NewServeMux()
	handler.Handle("/", withSecurityHeaders(own.Handler(console.routes())))
	if c.Codec != nil {
		handler.Handle(codecPath+"{operation}", console.codec())
	}
	console.handler = handler
	return console, nil
}

// ServeHTTP makes Console an http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// noScope marks routes that need no log-in.
const noScope access.Scope = ""

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern string
		scope   access.Scope
		handle  func(*request) (response, error)
	}{
		{"GET /console/log-in", noScope, c.askLogIn},
		{"POST /console/log-in", noScope, c.logIn},
		{"POST /console/log-out", noScope, c.logOut},

		{"POST /console/language", noScope, c.setLanguage},

		{"GET /console/{$}", access.ScopeOperationsRead, c.overview},
		{"POST /console/breakers/{name}", access.ScopeOperationsWrite, c.setBreaker},

		{"GET /console/payments", access.ScopeOperationsRead, c.listPayments},
		{"POST /console/payments", access.ScopeOperationsRead, c.searchPayments},
		{"GET /console/payments/{id}", access.ScopeOperationsRead, c.showPayment},
		{"POST /console/payments/{id}/{command}", access.ScopeOperationsWrite, c.orderCommand},

		{"GET /console/dead-letters", access.ScopeOperationsRead, c.listDeadLetters},
		{"GET /console/dead-letters/{id}", access.ScopeOperationsRead, c.showDeadLetter},
		{"POST /console/dead-letters/{id}/redrive", access.ScopeOperationsWrite, c.redriveDeadLetter},
		{"POST /console/dead-letters/{id}/discard", access.ScopeOperationsWrite, c.discardDeadLetter},
		{"POST /console/redrives", access.ScopeOperationsWrite, c.redriveDeadLetters},
		{"GET /console/redrives/{id}", access.ScopeOperationsRead, c.showRedrive},

		{"GET /console/reconciliation", access.ScopeOperationsRead, c.showReconciliation},
		{"POST /console/reconciliation/findings/{id}/close", access.ScopeOperationsWrite, c.closeFinding},
		{"GET /console/audit", access.ScopeOperationsRead, c.listAudit},
		{"GET /console/figures", access.ScopeOperationsRead, c.showFigures},
		{"GET /console/users", access.ScopeOperationsRead, c.listUsers},

		{"GET /console/account", access.ScopeOperationsRead, c.account},
		{"POST /console/account/password", access.ScopeOperationsRead, c.changePassword},
		{"GET " + enrolPath, access.ScopeOperationsRead, c.askSecondFactor},
		{"GET " + enrolPath + "/code.png", access.ScopeOperationsRead, c.secondFactorCode},
		{"POST " + enrolPath, access.ScopeOperationsRead, c.setSecondFactor},
		{"POST /console/account/recovery-codes", access.ScopeOperationsRead, c.newRecoveryCodes},

		{"/console/", access.ScopeOperationsRead, noSuchPage},
	} {
		mux.Handle(route.pattern, c.page(route.scope, route.handle))
	}
	mux.Handle("GET /console", http.RedirectHandler("/console/", http.StatusSeeOther))
	mux.Handle("GET /console/static/", http.StripPrefix("/console", http.FileServerFS(static)))
	return mux
}

// withSecurityHeaders lets a browser do nothing with a response but show it with the console's own style sheet. It also limits the
// size of a form.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if strings.HasPrefix(r.URL.Path, "/console/static/") {
			h.Set("Cache-Control", "max-age=300")
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func noSuchPage(*request) (response, error) {
	return response{}, &failure.Error{Kind: failure.NotFound, Message: "there is no page at this address"}
}
