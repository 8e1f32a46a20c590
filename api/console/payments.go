package console

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// pageSize is how many rows a list shows at once.
const pageSize = 25

// eventsShown is how many events of a payment are shown, which is more than any has.
const eventsShown = 200

type paymentsPage struct {
	Query    string
	Status   payment.Status
	Statuses []payment.Status
	Payments []payment.Payment
	Next     string // the address of the next page
}

// listPayments finds a payment by our id or the provider's, and else lists those with a reference or a status.
func (c *Console) listPayments(v *visit) (reply, error) {
	page := paymentsPage{
		Query: strings.TrimSpace(v.FormValue("q")), Status: payment.Status(v.FormValue("status")), Statuses: payment.Statuses(),
	}
	if utf8.RuneCountInString(page.Query) > 64 || page.Status != "" && !page.Status.Known() {
		return reply{}, &failure.Error{Kind: failure.Invalid, Message: "search for an id, a reference of at most 64 characters, or a status of the list"}
	}
	if id, err := c.findPayment(v, page.Query); id != "" || err != nil {
		return reply{to: "/console/payments/" + id}, err
	}
	filter := payment.Filter{Status: page.Status, Reference: page.Query, Limit: pageSize + 1}
	if err := position(v, &filter.After); err != nil {
		return reply{}, err
	}
	found, err := c.config.Record.PaymentsOfAll(v.Context(), filter)
	if err != nil {
		return reply{}, err
	}
	page.Payments, page.Next = cut(v, found, func(p payment.Payment) payment.Position {
		return payment.Position{CreatedAt: p.CreatedAt, ID: p.ID}
	})
	return reply{page: "payments", title: "Payments", data: page}, nil
}

// findPayment is the id of the one payment that the text names, or "".
func (c *Console) findPayment(v *visit, text string) (string, error) {
	if payment.ValidID(text) {
		return text, nil
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return "", nil
	}
	p, err := c.config.Record.PaymentByProvider(v.Context(), payment.MercadoPago, text)
	if failure.KindOf(err) == failure.NotFound {
		return "", nil // it may be a reference
	}
	return p.ID, err
}

// position reads where a list goes on.
func position(v *visit, into *payment.Position) error {
	text := v.FormValue("after")
	if text == "" {
		return nil
	}
	microseconds, id, _ := strings.Cut(text, "_")
	n, err := strconv.ParseInt(microseconds, 10, 64)
	if err != nil || !payment.ValidID(id) {
		return &failure.Error{Kind: failure.Invalid, Message: "the list has no such page"}
	}
	*into = payment.Position{CreatedAt: time.UnixMicro(n).UTC(), ID: id}
	return nil
}

// cut leaves one page of what was found, and the address of the next.
func cut[T any](v *visit, found []T, at func(T) payment.Position) (shown []T, next string) {
	if len(found) <= pageSize {
		return found, ""
	}
	last := at(found[pageSize-1])
	return found[:pageSize], more(v, "after", strconv.FormatInt(last.CreatedAt.UnixMicro(), 10)+"_"+last.ID)
}

// more is the address of the same list, from another place on.
func more(v *visit, name, from string) string {
	query := url.Values{}
	for key, values := range v.URL.Query() {
		if values[0] != "" {
			query.Set(key, values[0])
		}
	}
	query.Set(name, from)
	return v.URL.Path + "?" + query.Encode()
}

type paymentPage struct {
	payment.Payment
	Events     []payment.Event
	Operations []payment.OperationRecord
	Letters    []deadletter.Message
	Temporal   string // in its Web UI; empty: nowhere
}

// showPayment shows all that the record knows of one payment, but for the buyer.
func (c *Console) showPayment(v *visit) (reply, error) {
	id := v.PathValue("id")
	p, _, err := c.config.Payments.Find(v.Context(), "", id)
	if err != nil {
		return reply{}, err
	}
	page := paymentPage{Payment: p, Temporal: c.temporal(workflows.WorkflowID(id))}
	if page.Events, err = c.config.Record.Events(v.Context(), id, 0, eventsShown); err != nil {
		return reply{}, err
	}
	if page.Operations, err = c.config.Record.Operations(v.Context(), id); err != nil {
		return reply{}, err
	}
	page.Letters, err = c.config.Record.DeadLetters(v.Context(), deadletter.Filter{PaymentID: id, Limit: pageSize})
	return reply{page: "payment", title: "Payment " + id, data: page}, err
}

// Unknown says that nobody knows the payment's outcome, which a person may settle.
func (p paymentPage) Unknown() bool { return p.Status == payment.Unknown }

// settlePayment settles a payment whose outcome nobody knows as failed.
func (c *Console) settlePayment(v *visit) (reply, error) {
	p, err := c.settlements.Fail(v.Context(), v.actor(), v.PathValue("id"), v.PostFormValue("reason"))
	if err != nil {
		return reply{}, err
	}
	c.acted(v, "settle", "payment", p.ID)
	c.notify(v, "The payment is settled as failed.")
	return reply{to: "/console/payments/" + p.ID}, nil
}

func (c *Console) temporal(workflowID string) string {
	return workflows.WebLink(c.config.TemporalUIURL, c.config.TemporalNamespace, workflowID)
}
