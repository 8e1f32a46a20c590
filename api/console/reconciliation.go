package console

import (
	"net/url"
	"strconv"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// runsShown is how many runs are shown.
const runsShown = 10

type reconciliationPage struct {
	Kind     payment.FindingKind
	Kinds    []payment.FindingKind
	Totals   map[payment.FindingKind]payment.FindingTotal
	Runs     []payment.Reconciliation
	Findings []payment.Finding
	Next     string
	Back     string // where the page is shown again after one of them was closed
}

// showReconciliation shows the last runs, the totals and what is open.
func (c *Console) showReconciliation(v *visit) (reply, error) {
	page := reconciliationPage{Kind: payment.FindingKind(v.FormValue("kind")), Kinds: payment.FindingKinds(), Back: v.URL.RawQuery,
		Totals: map[payment.FindingKind]payment.FindingTotal{}}
	filter := payment.FindingFilter{Kind: page.Kind, Limit: pageSize + 1}
	var err error
	if before := v.FormValue("before"); before != "" {
		filter.Before, err = strconv.ParseInt(before, 10, 64)
	}
	if err != nil || page.Kind != "" && !page.Kind.Known() {
		return reply{}, &failure.Error{Kind: failure.Invalid, Message: "there are no such findings"}
	}
	if page.Runs, err = c.config.Record.Reconciliations(v.Context(), runsShown); err != nil {
		return reply{}, err
	}
	totals, err := c.config.Record.FindingTotals(v.Context())
	if err != nil {
		return reply{}, err
	}
	for _, t := range totals {
		page.Totals[t.Kind] = t
	}
	if page.Findings, err = c.findings.List(v.Context(), filter); err != nil {
		return reply{}, err
	}
	if len(page.Findings) > pageSize {
		page.Findings = page.Findings[:pageSize]
		page.Next = more(v, "before", strconv.FormatInt(page.Findings[pageSize-1].ID, 10))
	}
	return reply{page: "reconciliation", title: "Reconciliation", data: page}, nil
}

// closeFinding says that what was found is known, and why nothing needs to be done.
func (c *Console) closeFinding(v *visit) (reply, error) {
	id, err := strconv.ParseInt(v.PathValue("id"), 10, 64)
	if err != nil {
		return reply{}, &failure.Error{Kind: failure.NotFound, Message: "there is no finding with this id"}
	}
	if _, err := c.findings.Close(v.Context(), v.actor(), id, v.PostFormValue("reason")); err != nil {
		return reply{}, err
	}
	c.acted(v, "close", "finding", v.PathValue("id"))
	c.notify(v, "The finding is closed.")
	to := "/console/reconciliation"
	if back, err := url.ParseQuery(v.PostFormValue("back")); err == nil && len(back) > 0 {
		to += "?" + back.Encode()
	}
	return reply{to: to}, nil
}
