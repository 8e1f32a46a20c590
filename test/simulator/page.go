package simulator

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// recentPayments is how many the front page lists.
const recentPayments = 30

// pageView is a payment as the page shows it.
type pageView struct {
	Method                             string // Pix or boleto
	ID, Amount, Description, Reference string
	State, StateText                   string // state is waiting, paid, expired or cancelled
	Created, Approved, Expires         string
	Code                               string
	Image                              template.URL
	Problem                            string // why the last button had no effect
}

func (s *Simulator) payPage(w http.ResponseWriter, r *http.Request) {
	p, ok := s.book.get(r.PathValue("id"))
	if !ok {
		showPage(w, http.StatusNotFound, "missing.html", r.PathValue("id"))
		return
	}
	view := viewOf(p)
	view.Problem = problems[r.FormValue("problem")]
	switch p.method {
	case "pix":
		view.Code = s.codes.text(p)
		// The image is base64 of a PNG that the simulator made.
		view.Image = template.URL("data:image/png;base64," + s.codes.image(view.Code)) //nolint:gosec
	case "bolbradesco":
		view.Code = boletoLine(boletoBarcode(p))
	}
	showPage(w, http.StatusOK, "pay.html", view)
}

func (s *Simulator) frontPage(w http.ResponseWriter, _ *http.Request) {
	var views []pageView
	for _, p := range s.book.latest("", "", recentPayments) {
		views = append(views, viewOf(p))
	}
	showPage(w, http.StatusOK, "index.html", views)
}

var problems = map[string]string{
	"state": "Esta cobrança não está mais aguardando pagamento.",
}

// payForm handles a button of the pay page: it changes the payment and shows the page again.
func (s *Simulator) payForm(move func(string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		target := "/pay/" + url.PathEscape(r.PathValue("id"))
		if err := move(r.PathValue("id")); err != nil && !errors.Is(err, errUnknownPayment) {
			target += "?problem=state"
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
	}
}

func viewOf(p payment) pageView {
	name := map[string]string{"pix": "Pix", "bolbradesco": "boleto"}[p.method]
	if name == "" {
		name = "cartão"
	}
	view := pageView{
		Method: name, ID: p.id, Amount: inReais(p.amount), Description: p.text, Reference: p.reference,
		Created: inBrazil(p.created), Expires: inBrazil(p.expires),
	}
	switch {
	case p.status == "approved":
		view.State, view.StateText, view.Approved = "paid", "Pago", inBrazil(p.approved)
	case p.detail == "expired":
		view.State, view.StateText = "expired", "Expirado"
	case p.status == "cancelled":
		view.State, view.StateText = "cancelled", "Cancelado"
	default:
		view.State, view.StateText = "waiting", "Aguardando pagamento"
	}
	return view
}

// inReais writes centavos as R$ 1.234,50.
func inReais(centavos int64) string {
	reais := strconv.FormatInt(centavos/100, 10)
	for i := len(reais) - 3; i > 0; i -= 3 {
		reais = reais[:i] + "." + reais[i:]
	}
	return fmt.Sprintf("R$ %s,%02d", reais, centavos%100)
}

func inBrazil(t time.Time) string { return t.In(brasilia).Format("02/01/2006 15:04") }

// publicURL is the base of the links this caller can follow.
func (s *Simulator) publicURL(r *http.Request) string {
	switch {
	case s.config.PublicURL != "":
		return strings.TrimSuffix(s.config.PublicURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

func showPage(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, data) // templates are parsed at start; a client that has disconnected does not matter
}
