// Package console is the operators' pages, at /console behind a log-in: how the platform stands, payments, dead letters and
// what can be done about them, breakers, reconciliation.
//
// Its one rule: it decides nothing. A page shows what the REST API shows, a button does what a request there does, under the
// same rules, in the name of the person who is logged in. It is HTML and one style sheet: no script runs, and none may.
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

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/finding"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/ratelimit"
	"github.com/onlywave/onlywave/internal/secondfactor"
	"github.com/onlywave/onlywave/internal/settle"
	"github.com/onlywave/onlywave/workflows"
)

// pageTime is how long a page may take.
const pageTime = 10 * time.Second

// maxForm is how large a form may be, in bytes.
const maxForm = 64 << 10

// Config is what a Console needs. All of it is required unless it says otherwise.
type Config struct {
	Record   *postgres.Store
	Payments lookup.Payments // of every client app
	Redrives redriver
	Settling settle.Engine // carries out what is decided about a payment
	Breakers *breaker.Fleet
	Limiter  *ratelimit.Limiter
	Sessions *scs.SessionManager
	Ready    func(context.Context) map[string]error               // dependencies by name; nil means it works
	Queues   func(context.Context) ([]rabbitmq.QueueDepth, error) // what waits in the broker

	Seal                *secondfactor.Seal // optional: of second factors; without it nobody can set one up
	RequireSecondFactor bool               // operators may do nothing before they have one

	PublicURL         string // where browsers reach us, such as https://pay.example.com
	TemporalUIURL     string // optional: makes payments link to their workflow in the Web UI
	TemporalNamespace string // of the workflows, for that link

	Log *slog.Logger
}

// Console answers everything at and below /console. It is safe for concurrent use. A request's RemoteAddr must be the
// client's own, whatever balancers are in between.
type Console struct {
	config      Config
	deadLetters deadletter.Actions
	findings    finding.Actions
	settlements settle.Actions
	handler     http.Handler
}

// redriver starts redrives and says how they stand.
type redriver interface {
	deadletter.Redriver
	RedriveProgress(ctx context.Context, id string) (workflows.RedriveProgress, error) // kind NotFound when there is none
}

// New makes a Console, or says what is missing.
func New(c Config) (*Console, error) {
	if c.Record == nil || c.Payments.Database == nil || c.Payments.Workflows == nil || c.Redrives == nil || c.Settling == nil || c.Breakers == nil || c.Limiter == nil || c.Sessions == nil || c.Ready == nil ||
		c.Queues == nil || c.Log == nil {
		return nil, errors.New("configure console: all of Config that is not optional is required")
	}
	if c.RequireSecondFactor && c.Seal == nil {
		return nil, errors.New("configure console: to require second factors a Seal is required")
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
		config: c, deadLetters: deadletter.Actions{Store: c.Record, Redriver: c.Redrives},
		findings:    finding.Actions{Store: c.Record},
		settlements: settle.Actions{Payments: c.Record, Engine: c.Settling},
	}
	own.SetDenyHandler(http.HandlerFunc(console.foreign))
	console.handler = guarded(own.Handler(console.routes()))
	return console, nil
}

// ServeHTTP makes Console an http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// anybody need not be logged in.
const anybody access.Scope = ""

func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern string
		scope   access.Scope
		handle  func(*visit) (reply, error)
	}{
		{"GET /console/log-in", anybody, c.askLogIn},
		{"POST /console/log-in", anybody, c.logIn},
		{"POST /console/log-out", anybody, c.logOut},

		{"GET /console/{$}", access.ScopeOperationsRead, c.overview},
		{"POST /console/breakers/{name}", access.ScopeOperationsWrite, c.setBreaker},

		{"GET /console/payments", access.ScopeOperationsRead, c.listPayments},
		{"GET /console/payments/{id}", access.ScopeOperationsRead, c.showPayment},
		{"POST /console/payments/{id}/settle", access.ScopeOperationsWrite, c.settlePayment},

		{"GET /console/dead-letters", access.ScopeOperationsRead, c.listLetters},
		{"GET /console/dead-letters/{id}", access.ScopeOperationsRead, c.showLetter},
		{"POST /console/dead-letters/{id}/redrive", access.ScopeOperationsWrite, c.redriveLetter},
		{"POST /console/dead-letters/{id}/discard", access.ScopeOperationsWrite, c.discardLetter},
		{"POST /console/redrives", access.ScopeOperationsWrite, c.redriveLetters},
		{"GET /console/redrives/{id}", access.ScopeOperationsRead, c.showRedrive},

		{"GET /console/reconciliation", access.ScopeOperationsRead, c.showReconciliation},
		{"POST /console/reconciliation/findings/{id}/close", access.ScopeOperationsWrite, c.closeFinding},
		{"GET /console/audit", access.ScopeOperationsRead, c.listAudit},

		{"GET /console/account", access.ScopeOperationsRead, c.account},
		{"POST /console/account/password", access.ScopeOperationsRead, c.changePassword},
		{"GET " + enrolling, access.ScopeOperationsRead, c.askSecondFactor},
		{"GET " + enrolling + "/code.png", access.ScopeOperationsRead, c.secondFactorCode},
		{"POST " + enrolling, access.ScopeOperationsRead, c.setSecondFactor},
		{"POST /console/account/recovery-codes", access.ScopeOperationsRead, c.newRecoveryCodes},

		{"/console/", access.ScopeOperationsRead, nothingHere},
	} {
		mux.Handle(route.pattern, c.page(route.scope, route.handle))
	}
	mux.Handle("GET /console", http.RedirectHandler("/console/", http.StatusSeeOther))
	mux.Handle("GET /console/static/", http.StripPrefix("/console", http.FileServerFS(static)))
	return mux
}

// guarded says in every answer what a browser may do with it: nothing but show it, with our own style.
func guarded(next http.Handler) http.Handler {
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

func nothingHere(*visit) (reply, error) {
	return reply{}, &failure.Error{Kind: failure.NotFound, Message: "there is no such page"}
}
