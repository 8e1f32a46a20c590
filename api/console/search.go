package console

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	maxReference = 64  // characters
	maxEmail     = 254 // bytes
)

type paymentsPage struct {
	Query    string
	Status   payment.Status
	Statuses []payment.Status
	Payments []payment.Payment
	Next     string // the address of the next page

	// Of a search by e-mail.
	NoKey     bool // no payment can be found by e-mail
	Unindexed bool // some payments may be missing
	Newest    int  // how many are shown, if there are more; 0: there are not
}

// newPaymentsPage checks what is searched for.
func newPaymentsPage(query, status string) (paymentsPage, error) {
	page := paymentsPage{Query: strings.TrimSpace(query), Status: payment.Status(status), Statuses: payment.Statuses()}
	long := utf8.RuneCountInString(page.Query) > maxReference
	if mayBeEmail(page.Query) {
		long = len(page.Query) > maxEmail
	}
	if long || page.Status != "" && !page.Status.Known() {
		return page, &failure.Error{Kind: failure.Invalid,
			Message: "search for an id, a reference of at most 64 characters, an e-mail address, or one of the statuses"}
	}
	return page, nil
}

func mayBeEmail(text string) bool { return strings.Contains(text, "@") }

// searchPayments answers the form of the search. It redirects to a list, whose address can be kept and shared. An e-mail address must be in
// the address of no page, because browsers and load balancers keep those: what may be one is answered at once.
func (c *Console) searchPayments(r *request) (response, error) {
	page, err := newPaymentsPage(r.PostFormValue("q"), r.PostFormValue("status"))
	if err != nil {
		return response{}, err
	}
	if mayBeEmail(page.Query) {
		return c.searchByEmail(r, page)
	}
	search := url.Values{}
	if page.Query != "" {
		search.Set("q", page.Query)
	}
	if page.Status != "" {
		search.Set("status", string(page.Status))
	}
	return response{redirect: "/console/payments?" + search.Encode()}, nil
}

// searchByEmail lists the newest payments of a buyer or, when there are none, those with this reference. It redirects to the only payment.
func (c *Console) searchByEmail(r *request, page paymentsPage) (response, error) {
	found, complete, err := c.paymentsByEmail(r, page)
	if err != nil {
		return response{}, err
	}
	if len(found) == 0 && utf8.RuneCountInString(page.Query) <= maxReference {
		if found, err = c.config.Store.PaymentsOfAll(r.Context(), payment.Filter{Status: page.Status, Reference: page.Query, Limit: pageSize + 1}); err != nil {
			return response{}, err
		}
	}
	if len(found) == 1 && complete {
		return response{redirect: "/console/payments/" + found[0].ID}, nil
	}
	if len(found) > pageSize {
		found, page.Newest = found[:pageSize], pageSize
	}
	page.NoKey = !c.config.Store.CanFindEmails()
	page.Unindexed = !complete && !page.NoKey
	page.Payments = found
	return response{page: "payments", title: "Payments", data: page}, nil
}

// paymentsByEmail finds the payments of a buyer, and writes to the audit that somebody has looked for them.
func (c *Console) paymentsByEmail(r *request, page paymentsPage) (found []payment.Payment, complete bool, err error) {
	if !c.config.Store.CanFindEmails() {
		return nil, false, nil
	}
	found, complete, err = c.config.Store.PaymentsByEmail(r.Context(), page.Query, page.Status, pageSize+1)
	if err != nil {
		return nil, false, err
	}
	count := strconv.Itoa(len(found))
	if len(found) > pageSize {
		count = "more than " + strconv.Itoa(pageSize)
	}
	entry := audit.Entry{Actor: r.actor(), Action: audit.PayerSearch, Object: "payer/email", After: audit.Values{"found": count}}
	if err := c.config.Store.Audit(r.Context(), entry); err != nil {
		return nil, false, err
	}
	c.logAction(r, "payments searched by e-mail", "found", count)
	return found, complete, nil
}

// listPayments redirects to the payment with the id, the provider's id or the end-to-end id, or lists the payments with a reference or a status.
func (c *Console) listPayments(r *request) (response, error) {
	page, err := newPaymentsPage(r.FormValue("q"), r.FormValue("status"))
	if err != nil {
		return response{}, err
	}
	if mayBeEmail(page.Query) {
		c.setNotice(r, r.say("Enter an e-mail address in this form only: the address of a page stays in the browser's history."))
		return response{redirect: "/console/payments"}, nil
	}
	if id, err := c.findPayment(r, page.Query); id != "" || err != nil {
		return response{redirect: "/console/payments/" + id}, err
	}
	filter := payment.Filter{Status: page.Status, Reference: page.Query, Limit: pageSize + 1}
	if err := position(r, &filter.After); err != nil {
		return response{}, err
	}
	found, err := c.config.Store.PaymentsOfAll(r.Context(), filter)
	if err != nil {
		return response{}, err
	}
	page.Payments, page.Next = cut(r, found, func(p payment.Payment) payment.Position {
		return payment.Position{CreatedAt: p.CreatedAt, ID: p.ID}
	})
	return response{page: "payments", title: "Payments", data: page}, nil
}

// findPayment is the id of the payment whose id, provider's id or end-to-end id is the text, or "".
func (c *Console) findPayment(r *request, text string) (string, error) {
	if payment.ValidID(text) {
		return text, nil
	}
	if payment.ValidEndToEndID(text) {
		return found(c.config.Store.PaymentByEndToEnd(r.Context(), text))
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "", nil
	}
	return found(c.config.Store.PaymentByProvider(r.Context(), payment.MercadoPago, text))
}

// found is the id of the payment that a search has found, or "".
func found(p payment.Payment, err error) (string, error) {
	if failure.KindOf(err) == failure.NotFound {
		return "", nil // it may be a reference
	}
	return p.ID, err
}
