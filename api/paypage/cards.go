package paypage

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/language"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

const (
	// maxCardBody is more than a token and what belongs to it.
	maxCardBody = 4 << 10
	// chargeWait is how long a browser waits for the outcome of its card. Then the page waits for news, as every page does.
	chargeWait = 8 * time.Second
)

// Cards is what the pages need where buyers enter cards. All of it is required.
type Cards struct {
	PublicKey string // ours at Mercado Pago, for browsers
	ScriptURL string // of its script, which makes tokens
	// Enter gives a card to its payment, see workflows.Client.EnterCard.
	Enter func(context.Context, workflows.CardInput) (payment.Status, error)
	// Installments says what an amount costs with a card.
	Installments func(context.Context, payment.InstallmentQuestion) ([]payment.InstallmentOffer, error)
}

func (c *Cards) validate() error {
	if c != nil && (c.PublicKey == "" || siteOf(c.ScriptURL) == "" || c.Enter == nil || c.Installments == nil) {
		return errors.New("configure pay pages: a required field of Cards is not set")
	}
	return nil
}

// TakesCards says whether a buyer can enter a card on these pages.
func (p *Pages) TakesCards() bool { return p.config.Cards != nil }

// realScript is where Mercado Pago serves its script. The frames for the card, what they are configured with and where tokens are made are on
// other hosts of its own. It publishes no list of them; docs/pay-page.md says where this one is from.
const realScript = "https://sdk.mercadopago.com"

// policy is the Content-Security-Policy of the page on which a card is entered.
func (c *Cards) policy() string {
	script := siteOf(c.ScriptURL)
	connect, frame := script, script
	if script == realScript {
		script += " https://http2.mlstatic.com"
		frame = "https://secure-fields.mercadopago.com"
		connect = "https://api.mercadopago.com https://api-static.mercadopago.com https://secure-fields.mercadopago.com https://http2.mlstatic.com"
	}
	return "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self' " + script + "; connect-src 'self' " + connect + "; frame-src " + frame +
		"; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
}

// installments shows what the payment costs with a card whose number begins so.
func (p *Pages) installments(w http.ResponseWriter, r *http.Request) {
	found, err := p.find(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	q := payment.InstallmentQuestion{Amount: found.Amount.Centavos, BIN: r.URL.Query().Get("bin")}
	if !p.TakesCards() || !found.AwaitsCard() || q.Validate() != nil {
		p.refuse(w, r, errNoCard)
		return
	}
	offers, err := p.config.Cards.Installments(r.Context(), q)
	if kind := failure.KindOf(err); err != nil && kind != failure.Invalid && kind != failure.NotFound {
		p.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(offersView(offers, found, chosen(r, string(found.Payer.Language)))) // the browser may have closed the connection
}

var errNoCard = &failure.Error{Kind: failure.NotFound, Message: "no card can be entered"}

type planView struct {
	Installments int    `json:"installments"`
	Text         string `json:"text"`
}

type offerView struct {
	Brand    string     `json:"payment_method_id"`
	IssuerID string     `json:"issuer_id"`
	Plans    []planView `json:"plans"`
}

// offersView leaves out the plans that the client app does not allow. A card that cannot be charged has no offer.
func offersView(offers []payment.InstallmentOffer, p payment.Payment, l language.Language) []offerView {
	shown := []offerView{}
	for _, o := range offers {
		v := offerView{Brand: o.Brand, IssuerID: o.IssuerID}
		for _, plan := range o.Plans {
			if plan.Count <= p.Method.Card.Installments {
				v.Plans = append(v.Plans, planView{plan.Count, language.PlanText(plan, plan.InterestOf(p.Amount.Centavos)).In(l)})
			}
		}
		if len(v.Plans) > 0 {
			shown = append(shown, v)
		}
	}
	return shown
}

// problems are what may go wrong when a card is entered, by the word for it in the address to which the browser is sent back.
var problems = map[string]language.Text{
	checkCard: {EN: texts(language.EN).CheckCard, PT: texts(language.PT).CheckCard},
	notSent: {
		EN: "The card could not be charged right now. Try again in a moment.",
		PT: "Não foi possível cobrar o cartão agora. Tente de novo em instantes.",
	},
}

const (
	checkCard = "check"
	notSent   = "later"
)

// enterCard gives the card that the buyer has entered to the payment, and sends the browser back to the page, which shows what became of it.
// The address is the proof that the buyer may pay: no other site knows it, and so none can have a browser post to it. How much is paid, and
// until when, the payment itself says.
func (p *Pages) enterCard(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCardBody)
	id, err := p.config.Links.Read(r.PathValue("token"), time.Now())
	if err != nil || !p.TakesCards() {
		p.refuse(w, r, errNoCard)
		return
	}
	found, err := p.config.Payments.Stored(r.Context(), id) // a copy may be from before the last card
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	if !found.AwaitsCard() {
		p.back(w, r, "")
		return
	}
	in := cardOf(r, found)
	if err := in.Entry.Validate(found.Request, in.Secrets); err != nil {
		p.back(w, r, checkCard)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), chargeWait)
	defer cancel()
	if _, err = p.config.Cards.Enter(ctx, in); err == nil || failure.KindOf(err) == failure.Conflict {
		p.back(w, r, "")
		return
	}
	p.config.Log.WarnContext(r.Context(), "a card on the pay page has no outcome yet", "payment_id", id, "kind", failure.KindOf(err), "error", err)
	if now, err := p.config.Payments.Stored(r.Context(), id); err == nil && now.AwaitsCard() {
		p.back(w, r, notSent) // the card may still arrive: then another one is refused while it is charged
		return
	}
	p.back(w, r, "")
}

// cardOf is the card that a form has.
func cardOf(r *http.Request, p payment.Payment) workflows.CardInput {
	count, _ := strconv.Atoi(r.PostFormValue("installments")) // 0 is refused
	in := workflows.CardInput{
		PaymentID: p.ID,
		Entry:     payment.CardEntry{Brand: r.PostFormValue("payment_method_id"), IssuerID: r.PostFormValue("issuer_id"), Installments: count},
		Secrets:   payment.CardSecrets{Token: r.PostFormValue("token"), DeviceID: r.PostFormValue("device_id")},
	}
	if p.Payer.TaxID == "" {
		in.Secrets.TaxID = payment.PlainTaxID(r.PostFormValue("tax_id"))
	}
	return in
}

// back sends the browser to the page, in the language in which it was read, so that nothing is sent again when the page is loaded again.
func (p *Pages) back(w http.ResponseWriter, r *http.Request, problem string) {
	query := url.Values{"lang": {string(chosen(r, ""))}}
	if problem != "" {
		query.Set("problem", problem)
	}
	page := url.URL{Path: strings.TrimSuffix(r.URL.Path, "/card"), RawQuery: query.Encode()}
	http.Redirect(w, r, page.String(), http.StatusSeeOther)
}
