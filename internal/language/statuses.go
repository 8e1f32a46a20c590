package language

import (
	"strings"

	"github.com/onlywave/onlywave/internal/payment"
)

// statuses are the statuses of a payment in Portuguese. In English they are their names.
var statuses = map[payment.Status]string{
	payment.Processing:        "em processamento",
	payment.Pending:           "pendente",
	payment.InReview:          "em análise",
	payment.Authorized:        "autorizado",
	payment.Approved:          "aprovado",
	payment.PartiallyRefunded: "reembolsado em parte",
	payment.Refunded:          "reembolsado",
	payment.Rejected:          "recusado",
	payment.Cancelled:         "cancelado",
	payment.Expired:           "vencido",
	payment.InDispute:         "em contestação",
	payment.ChargedBack:       "estornado por contestação",
	payment.Unknown:           "desconhecido",
	payment.Failed:            "falhou",
}

// Status is the name of a payment's status in words.
func (l Language) Status(s payment.Status) string {
	if name, known := statuses[s]; known && l == PT {
		return name
	}
	return strings.ReplaceAll(string(s), "_", " ")
}
