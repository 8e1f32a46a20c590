package console

import (
	"net/url"
	"strconv"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// runsShown is the number of runs on the page.
const runsShown = 10

type reconciliationPage struct {
	Kind     payment.FindingKind
	Kinds    []payment.FindingKind
	Totals   map[payment.FindingKind]payment.FindingTotal
	Runs     []payment.Reconciliation
	Findings []payment.Finding
	Next     string
	Back     string // the query of this page, to return to it after a finding was closed
}

// showReconciliation shows the last runs, the totals and the open findings.
func (c *Console) showReconciliation(r *request) (response, error) {
	page := reconciliationPage{Kind: payment.FindingKind(r.FormValue("kind")), Kinds: payment.FindingKinds(), Back: r.URL.RawQuery,
		Totals: map[payment.FindingKind]payment.FindingTotal{}}
	filter := payment.FindingFilter{Kind: page.Kind, Limit: pageSize + 1}
	var err error
	if before := r.FormValue("before"); before != "" {
		filter.Before, err = strconv.ParseInt(before, 10, 64)
	}
	if err != nil || page.Kind != "" && !page.Kind.Known() {
		return response{}, &failure.Error{Kind: failure.Invalid, Message: "the kind or the page of findings is not valid"}
	}
	if page.Runs, err = c.config.Store.Reconciliations(r.Context(), runsShown); err != nil {
		return response{}, err
	}
	totals, err := c.config.Store.FindingTotals(r.Context())
	if err != nil {
		return response{}, err
	}
	for _, t := range totals {
		page.Totals[t.Kind] = t
	}
	if page.Findings, err = c.findings.List(r.Context(), filter); err != nil {
		return response{}, err
	}
	if len(page.Findings) > pageSize {
		page.Findings = page.Findings[:pageSize]
		page.Next = more(r, "before", strconv.FormatInt(page.Findings[pageSize-1].ID, 10))
	}
	return response{page: "reconciliation", title: "Reconciliation", data: page}, nil
}

// closeFinding closes a finding, with the reason why nothing needs to be done.
func (c *Console) closeFinding(r *request) (response, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return response{}, &failure.Error{Kind: failure.NotFound, Message: "there is no finding with this id"}
	}
	if _, err := c.findings.Close(r.Context(), r.actor(), id, r.PostFormValue("reason")); err != nil {
		return response{}, err
	}
	c.logAction(r, "close", "finding", r.PathValue("id"))
	c.setNotice(r, r.say("The finding is closed."))
	to := "/console/reconciliation"
	if back, err := url.ParseQuery(r.PostFormValue("back")); err == nil && len(back) > 0 {
		to += "?" + back.Encode()
	}
	return response{redirect: to}, nil
}
