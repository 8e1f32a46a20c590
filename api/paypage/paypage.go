// Package paypage serves the pages where buyers pay, at /pay: how to pay a Pix or a boleto, and what became of the payment, which turns by
// itself when the money has come. A page needs no log-in; its signed address opens one payment.
//
// Its one rule: it only shows. It shows nothing about the buyer, because a link may be passed on, and asks no other site for anything. One page
// does more: where a payment waits for a card, Mercado Pago's script makes a token of the card, and the page gives the token to the payment.
package paypage

import (
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/lookup"
	"github.com/onlywave/onlywave/internal/paylink"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/qrcode"
)

//go:embed static
var static embed.FS

// Config is what Pages need. All of it is required.
type Config struct {
	Payments lookup.Payments // of every client app
	Links    *paylink.Links
	Log      *slog.Logger
	Cards    *Cards // optional: without it no card can be entered
}

// Pages serves /pay and everything below. It is safe for concurrent use.
type Pages struct {
	config  Config
	mux     *http.ServeMux
	streams chan struct{} // one for each page that waits for news
	ended   atomic.Bool
}

// New makes Pages, or says what is missing.
func New(c Config) (*Pages, error) {
	if c.Payments.Database == nil || c.Payments.Workflows == nil || c.Links == nil || c.Log == nil {
		return nil, errors.New("configure pay pages: a required field of Config is not set")
	}
	if err := c.Cards.validate(); err != nil {
		return nil, err
	}
	p := &Pages{config: c, mux: http.NewServeMux(), streams: make(chan struct{}, mostStreams)}
	p.mux.HandleFunc("GET "+paylink.Prefix+"{token}", p.show)
	p.mux.HandleFunc("GET "+paylink.Prefix+"{token}/qrcode.svg", p.qrCode)
	p.mux.HandleFunc("GET "+paylink.Prefix+"{token}/events", p.events)
	p.mux.HandleFunc("POST "+paylink.Prefix+"{token}/card", p.enterCard)
	p.mux.HandleFunc("GET "+paylink.Prefix+"{token}/installments", p.installments)
	for _, file := range []string{"static/pay.css", "static/pay.js", "static/card.js"} {
		p.mux.Handle("GET "+paylink.Prefix+file, http.StripPrefix(paylink.Prefix, http.FileServerFS(static)))
	}
	p.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.refuse(w, r, paylink.ErrUnknown) })
	return p, nil
}

// End makes every page that waits for news end its wait, so that the process can stop. Pages are still served.
func (p *Pages) End() { p.ended.Store(true) }

// ServeHTTP makes Pages an http.Handler. A browser may do nothing with a response but show it with the styles and the script that come from
// here, and tells no other site its address.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy("'none'"))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	p.mux.ServeHTTP(w, r)
}

// policy is the Content-Security-Policy of a page whose form may be sent to one site.
func policy(formTo string) string {
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " + formTo
}

// find is the payment whose address was asked for.
func (p *Pages) find(r *http.Request) (payment.Payment, error) {
	id, err := p.config.Links.Read(r.PathValue("token"), time.Now())
	if err != nil {
		return payment.Payment{}, err
	}
	found, _, err := p.config.Payments.Find(r.Context(), "", id)
	return found, err
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) {
	found, err := p.find(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	v := newView(found, chosen(r, string(found.Payer.Language)), r.PathValue("token"), time.Now())
	switch {
	case v.Bank != "":
		w.Header().Set("Content-Security-Policy", policy(v.Bank))
	case v.EntersCard && p.config.Cards != nil:
		v.PublicKey, v.Script = p.config.Cards.PublicKey, p.config.Cards.ScriptURL
		v.Problem = problems[r.URL.Query().Get("problem")].In(v.Language)
		w.Header().Set("Content-Security-Policy", p.config.Cards.policy())
	}
	p.write(w, r, http.StatusOK, v)
}

// qrCode draws the code of a Pix that can be paid now.
func (p *Pages) qrCode(w http.ResponseWriter, r *http.Request) {
	found, err := p.find(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	code, err := found.CodeToPay(time.Now())
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	picture, err := qrcode.SVG(code)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write(picture) // the browser may have closed the connection
}

// refuse shows why there is no page. What is wrong inside is in the log only.
func (p *Pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, state := http.StatusServiceUnavailable, unavailable
	switch failure.KindOf(err) {
	case failure.NotFound, failure.Conflict:
		status, state = http.StatusNotFound, noPage
	case failure.Unavailable:
		w.Header().Set("Retry-After", "2")
	default:
		p.config.Log.ErrorContext(r.Context(), "pay page not shown", "error", err)
		w.Header().Set("Retry-After", "2")
	}
	l := chosen(r, "")
	p.write(w, r, status, view{Language: l, State: state.in(l), Words: texts(l)})
}

// chosen is the language of a page: what its reader asks for, else the buyer's, else the browser's. Buyers are in Brazil, so that a browser
// which says nothing gets Portuguese.
func chosen(r *http.Request, buyers string) language.Language {
	accepted := r.Header.Get("Accept-Language")
	if accepted == "" {
		accepted = string(language.PT)
	}
	asked := r.URL.Query().Get("lang")
	if asked == "pt" {
		asked = string(language.PT)
	}
	return language.Of(accepted, asked, buyers)
}
