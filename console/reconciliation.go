package console

import (
	"strconv"

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
}

// showReconciliation shows the last runs, the totals and what is open.
func (c *Console) showReconciliation(v *visit) (reply, error) {
	page := reconciliationPage{Kind: payment.FindingKind(v.FormValue("kind")), Kinds: payment.FindingKinds(),
		Totals: map[payment.FindingKind]payment.FindingTotal{}}
	filter := payment.FindingFilter{Kind: page.Kind, Limit: pageSize + 1}
	var err error
	if before := v.FormValue("before"); before != "" {
		filter.Before, err = strconv.ParseInt(before, 10, 64)
	}
	if err != nil || page.Kind != "" && !page.Kind.Known() {
		return reply{}, &payment.Error{Kind: payment.Invalid, Message: "there are no such findings"}
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
	if page.Findings, err = c.config.Record.Findings(v.Context(), filter); err != nil {
		return reply{}, err
	}
	if len(page.Findings) > pageSize {
		page.Findings = page.Findings[:pageSize]
		page.Next = more(v, "before", strconv.FormatInt(page.Findings[pageSize-1].ID, 10))
	}
	return reply{page: "reconciliation", title: "Reconciliation", data: page}, nil
}
