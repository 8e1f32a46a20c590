package postgres

import (
	"strings"

	"github.com/onlywave/onlywave/internal/payment"
)

// isOpen is the condition by which statements find open payments: those that payment.Status.Open calls so. It is written out and no
// parameter, as only then the planner sees that the index payments_open has them.
var isOpen = "status in (" + quoted(payment.OpenStatuses()) + ")"

// isOpenRefund finds the refunds that have not ended among the operations, by the index operations_refunds_open.
const isOpenRefund = "kind = 'refund' and outcome in ('asked', 'unknown')"

// quoted makes SQL literals of constants.
func quoted(statuses []payment.Status) string {
	var words []string
	for _, s := range statuses {
		words = append(words, "'"+string(s)+"'")
	}
	return strings.Join(words, ", ")
}
