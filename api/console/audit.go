package console

import (
	"strings"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

type auditPage struct {
	Filter  audit.Filter
	Actions []audit.Action
	Entries []audit.Entry
	Next    string
}

// listAudit shows the audit, the newest entries first.
func (c *Console) listAudit(r *request) (response, error) {
	page := auditPage{Actions: audit.Actions(), Filter: audit.Filter{
		Actor: strings.TrimSpace(r.FormValue("actor")), Action: audit.Action(r.FormValue("action")),
		Object: strings.TrimSpace(r.FormValue("object")), Limit: pageSize + 1,
	}}
	if err := position(r, &page.Filter.After); err != nil {
		return response{}, err
	}
	found, err := c.config.Store.AuditTrail(r.Context(), page.Filter)
	if err != nil {
		return response{}, err
	}
	page.Entries, page.Next = cut(r, found, func(e audit.Entry) payment.Position {
		return payment.Position{CreatedAt: e.At, ID: e.ID}
	})
	return response{page: "audit", title: "Audit", data: page}, nil
}
