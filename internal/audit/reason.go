package audit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// MaxReason is the largest length of a reason, in characters.
const MaxReason = 500

// ReasonFields lists the errors of a reason.
func ReasonFields(reason string) []failure.Field {
	var detail string
	switch {
	case strings.TrimSpace(reason) == "":
		detail = "must say why"
	case utf8.RuneCountInString(reason) > MaxReason:
		detail = fmt.Sprintf("must have at most %d characters", MaxReason)
	case payment.ContainsCardNumber(reason):
		detail = "must not contain a card number"
	default:
		if detail = payment.Illegible(reason, payment.Lines); detail == "" {
			return nil
		}
	}
	return []failure.Field{{Pointer: "/reason", Detail: detail}}
}
