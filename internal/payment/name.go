package payment

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is how long the name of a client app or of a person may be, in characters.
const MaxName = 64

// NameFault says what keeps text from being the name of a client app or of a person, or "". Names are shown in tables, logs,
// e-mails and pages: what could break one of these, or look like another name, is none.
func NameFault(text string) string {
	switch {
	case text == "":
		return "must not be empty"
	case !utf8.ValidString(text):
		return "must be valid UTF-8"
	case utf8.RuneCountInString(text) > MaxName:
		return fmt.Sprintf("must have at most %d characters", MaxName)
	case strings.TrimSpace(text) != text:
		return "must not begin or end with a space"
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "must not contain line breaks, control characters or invisible characters"
	case strings.ContainsAny(text, `<>&"`):
		return `must not contain <, >, & or "`
	case ContainsCardNumber(text):
		return "must not contain a card number"
	}
	return ""
}
