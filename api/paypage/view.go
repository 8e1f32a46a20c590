package paypage

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

//go:embed templates/page.html
var templates embed.FS

var page = template.Must(template.ParseFS(templates, "templates/page.html"))

// view is the data of the page.
type view struct {
	Language language.Language
	Words    words
	Token    string
	Version  int
	Waits    bool // the page may still change

	Amount      string
	Description string
	State       stateView
	Until       string // by which to pay; "" when there is nothing to pay

	PixCode string
	Line    string // of a boleto
	PDF     string

	EntersCard        bool   // the buyer may enter a card; shown with Script only
	PublicKey, Script string // Mercado Pago's, with which the browser makes a token of the card
	Problem           string // what went wrong with the last step; "": nothing

	Challenge payment.Challenge // of a card; shown with Bank only
	Bank      string            // the site of that challenge, such as https://acs.bank.example; "": there is none to show
}

// newView is what a payment's page shows. It has nothing of the buyer's.
func newView(p payment.Payment, l language.Language, token string, now time.Time) view {
	v := view{
		Language: l, Words: texts(l), Token: token, Version: p.Version, Waits: moves(p),
		Amount: l.Amount(p.Amount.Centavos, p.Amount.Currency), Description: p.Description,
		State: stateOf(p, now).in(l),
	}
	if code, err := p.CodeToPay(now); err == nil {
		v.PixCode, v.Until = code, moment(l, p.Instructions.ExpiresAt)
	}
	if p.Status == payment.Pending && p.Method.Type == payment.Boleto && now.Before(p.Instructions.ExpiresAt) {
		v.Line, v.PDF, v.Until = payment.SpacedLine(p.Instructions.DigitableLine), p.Instructions.TicketURL, day(l, p.DueDate())
	}
	if p.Challenged() {
		v.Until = moment(l, p.Instructions.ExpiresAt)
		if c := p.Instructions.Challenge; c != nil && now.Before(p.Instructions.ExpiresAt) {
			v.Challenge, v.Bank = *c, siteOf(c.URL)
		}
	}
	if p.AwaitsCard() && now.Before(p.Instructions.ExpiresAt) {
		v.EntersCard, v.Until = true, moment(l, p.Instructions.ExpiresAt)
	}
	if detail, rejected := p.Rejected(); rejected {
		r, _ := mercadopago.RejectionOf(detail)
		v.State.Text = language.Text{EN: r.English, PT: r.Portuguese}.In(l)
	}
	return v
}

// siteOf is the origin of an address, or "" for one that no browser would send a form to.
func siteOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.Host, "; ,'\"") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (p *Pages) write(w http.ResponseWriter, r *http.Request, status int, v view) {
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		p.config.Log.ErrorContext(r.Context(), "pay page not rendered", "error", err)
		http.Error(w, v.Words.Unavailable, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the browser may have closed the connection
}
