package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/story"
	"github.com/onlywave/onlywave/workflows"
)

// pageSize is the number of rows of a page of a list.
const pageSize = 25

// position reads the start of a page of a list.
func position(r *request, into *payment.Position) error {
	text := r.FormValue("after")
	if text == "" {
		return nil
	}
	microseconds, id, _ := strings.Cut(text, "_")
	n, err := strconv.ParseInt(microseconds, 10, 64)
	if err != nil || !payment.ValidID(id) {
		return &failure.Error{Kind: failure.Invalid, Message: "the address of this page of the list is not valid"}
	}
	*into = payment.Position{CreatedAt: time.UnixMicro(n).UTC(), ID: id}
	return nil
}

// cut returns one page of the found rows, and the address of the next page.
func cut[T any](r *request, found []T, at func(T) payment.Position) (shown []T, next string) {
	if len(found) <= pageSize {
		return found, ""
	}
	last := at(found[pageSize-1])
	return found[:pageSize], more(r, "after", strconv.FormatInt(last.CreatedAt.UnixMicro(), 10)+"_"+last.ID)
}

// more is the address of the next page of the same list.
func more(r *request, name, from string) string {
	query := url.Values{}
	for key, values := range r.URL.Query() {
		if values[0] != "" {
			query.Set(key, values[0])
		}
	}
	query.Set(name, from)
	return r.URL.Path + "?" + query.Encode()
}

type paymentPage struct {
	payment.Payment
	DeadLetters []deadletter.Message
	Temporal    string // address in the Web UI; empty: no link
	Story       story.Story
	Disputes    []disputeRow
	Ledger      []payment.LedgerEntry
	Commands    []commandForm
	Refused     *refusal // why the last command was refused; nil: it was not
}

// showPayment shows a payment without the buyer's data.
func (c *Console) showPayment(r *request) (response, error) {
	return c.paymentPage(r, http.StatusOK, nil)
}

func (c *Console) paymentPage(r *request, status int, refused *refusal) (response, error) {
	id := r.PathValue("id")
	p, _, err := c.config.Payments.Find(r.Context(), "", id)
	if err != nil {
		return response{}, err
	}
	page := paymentPage{
		Payment: p, Temporal: c.temporal(workflows.WorkflowID(id)), Story: c.config.Stories.Tell(r.Context(), r.language, p), Refused: refused,
	}
	hold, err := c.config.Store.Hold(r.Context(), id)
	switch {
	case failure.KindOf(err) == failure.Unavailable: // nothing can be ordered now; the story says what is missing
	case err != nil:
		return response{}, err
	default:
		page.Commands = commandForms(r.language, p, hold, time.Now())
	}
	page.Disputes, err = c.disputes(r, id)
	if err != nil && failure.KindOf(err) != failure.Unavailable {
		return response{}, err
	}
	page.Ledger, err = c.config.Store.Ledger(r.Context(), id)
	if err != nil && failure.KindOf(err) != failure.Unavailable {
		return response{}, err
	}
	page.DeadLetters, err = c.config.Store.DeadLetters(r.Context(), deadletter.Filter{PaymentID: id, Limit: pageSize})
	if failure.KindOf(err) == failure.Unavailable {
		err = nil
	}
	return response{status: status, page: "payment", title: "Payment", subject: id, data: page}, err
}

// disputeRow is a dispute with what was sent about it.
type disputeRow struct {
	payment.Dispute
	Evidence []payment.Evidence
}

func (c *Console) disputes(r *request, paymentID string) ([]disputeRow, error) {
	found, err := c.config.Store.Disputes(r.Context(), paymentID)
	if err != nil {
		return nil, err
	}
	rows := make([]disputeRow, len(found))
	for i, d := range found {
		rows[i].Dispute = d
		if rows[i].Evidence, err = c.config.Store.EvidenceOf(r.Context(), d.ID); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (c *Console) temporal(workflowID string) string {
	return workflows.WebLink(c.config.TemporalUIURL, c.config.TemporalNamespace, workflowID)
}
