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

// listAudit shows who did what, the newest first.
func (c *Console) listAudit(v *visit) (reply, error) {
	page := auditPage{Actions: audit.Actions(), Filter: audit.Filter{
		Actor: strings.TrimSpace(v.FormValue("actor")), Action: audit.Action(v.FormValue("action")),
		Object: strings.TrimSpace(v.FormValue("object")), Limit: pageSize + 1,
	}}
	if err := position(v, &page.Filter.After); err != nil {
		return reply{}, err
	}
	found, err := c.config.Record.AuditTrail(v.Context(), page.Filter)
	if err != nil {
		return reply{}, err
	}
	page.Entries, page.Next = cut(v, found, func(e audit.Entry) payment.Position {
		return payment.Position{CreatedAt: e.At, ID: e.ID}
	})
	return reply{page: "audit", title: "Audit", data: page}, nil
}
