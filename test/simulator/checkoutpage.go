package simulator

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// checkoutView is a preference as its page shows it.
type checkoutView struct {
	ID, Amount, Title string
	State             string // open, paid, waiting or over
	Problem           string // of the latest attempt
	Pay               string // the page of the Pix or boleto that waits
	Back              string // where the shop wants its buyer in the end
	Items             []preferenceItem
	Pix, Card, Money  bool // what may be chosen
}

// redirectPage is the init_point: the page on which the buyer pays.
func (s *Simulator) redirectPage(w http.ResponseWriter, r *http.Request) {
	s.showCheckout(w, r, r.FormValue("pref_id"), r.FormValue("problem"))
}

func (s *Simulator) showCheckout(w http.ResponseWriter, _ *http.Request, id, problem string) {
	of, ok := s.book.preference(id)
	if !ok {
		showPage(w, http.StatusNotFound, "missing.html", id)
		return
	}
	view := checkoutView{
		ID: of.ID, Amount: inReais(of.Amount), Title: of.Request.Items[0].Title, Items: of.Request.Items, State: "open",
		Problem: checkoutProblems[problem], Pix: of.offers("pix"), Card: of.offers("master"), Money: of.offers("account_money"),
	}
	_, payments, _ := s.book.order(of.Order)
	for _, p := range slices.Backward(payments) {
		switch p.status {
		case "approved":
			view.State = "paid"
			view.Back = backTo(of.Request.BackURLs.Success, of, p)
		case "pending":
			view.Pay = "/pay/" + p.id
		}
		if view.State == "paid" {
			break
		}
	}
	if view.State == "open" && of.over(time.Now()) {
		view.State, view.Back = "over", of.Request.BackURLs.Failure
	}
	showPage(w, http.StatusOK, "checkout.html", view)
}

// backTo is the shop's address with what Mercado Pago adds to it. Anybody can write such an address.
func backTo(address string, of preference, p payment) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	q := u.Query()
	for name, value := range map[string]string{
		"collection_id": p.id, "collection_status": p.status, "payment_id": p.id, "status": p.status, "external_reference": p.reference,
		"payment_type": cardBrands[p.method], "merchant_order_id": of.Order, "preference_id": of.ID, "site_id": "MLB",
		"processing_mode": "aggregator", "merchant_account_id": "null",
	} {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

var checkoutProblems = map[string]string{
	"rejected":  "O pagamento foi recusado. Confira os dados ou tente outra forma de pagar.",
	"in_review": "O pagamento está em análise.",
	"closed":    "Esta compra não pode mais ser paga.",
	"method":    "Esta forma de pagar não está disponível.",
}

// checkoutForm is a buyer's attempt on the page.
func (s *Simulator) checkoutForm(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("pref_id")
	a := Attempt{Method: r.PostFormValue("method"), Holder: r.PostFormValue("holder")}
	if a.Method == "card" {
		a.Method = "master"
	}
	target := "/checkout/v1/redirect?pref_id=" + url.QueryEscape(id)
	paymentID, err := s.Try(id, a)
	switch {
	case errors.Is(err, errUnknownPreference):
		showPage(w, http.StatusNotFound, "missing.html", id)
		return
	case errors.Is(err, errClosedPreference):
		target += "&problem=closed"
	case err != nil:
		target += "&problem=method"
	default:
		switch p, _ := s.book.get(paymentID); p.status {
		case "pending":
			target = "/pay/" + paymentID
		case "rejected":
			target += "&problem=rejected"
		case "in_process":
			target += "&problem=in_review"
		}
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// adminTry lets a buyer try to pay without the page.
func (s *Simulator) adminTry(w http.ResponseWriter, r *http.Request) {
	id, err := s.Try(r.PathValue("id"), Attempt{Method: r.FormValue("method"), Holder: r.FormValue("holder")})
	switch {
	case errors.Is(err, errUnknownPreference):
		adminError(w, http.StatusNotFound, err)
	case err != nil:
		adminError(w, http.StatusConflict, err)
	default:
		p, _ := s.book.get(id)
		adminAnswer(w, s.adminView(r, p))
	}
}
