package access

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

// Bounds of a password, in characters and bytes. As NIST SP 800-63B, section 3.1.1.2, recommends, there are no rules for the kinds
// of characters, and passwords do not expire.
const (
	passwordMin = 12
	passwordMax = 1024
)

// strength is the least strength of a new password on zxcvbn's scale of 0 to 4. 3 means more than 100 million guesses by an attacker
// that first tries common passwords, names, words, dates, rows of keys and repetitions. estimated bounds the work of zxcvbn.
const (
	strength  = 3
	estimated = 100 // characters
)

// wellKnown are words that an attacker of this platform tries early, in addition to zxcvbn's 94,000 common passwords and its lists
// of English words and names.
var wellKnown = []string{
	"onlywave", "console", "operator", "operador", "viewer", "mercadopago", "pix", "pagamento", "pagamentos", "admin", "senha",
	"minha", "mudar", "mudar123", "acesso", "brasil", "flamengo", "corinthians", "palmeiras", "saopaulo", "santos", "gremio",
	"vasco", "jesus", "deus", "deusefiel", "amor", "familia", "felicidade", "verao", "inverno",
}

// CheckPassword returns the error of a user's new password, or "".
func CheckPassword(password, user string) string {
	switch {
	case utf8.RuneCountInString(password) < passwordMin:
		return fmt.Sprintf("must have at least %d characters", passwordMin)
	case len(password) > passwordMax:
		return fmt.Sprintf("must have at most %d bytes", passwordMax)
	case !utf8.ValidString(password):
		return "must be valid UTF-8"
	case holdsName(password, user):
		return "must not contain the user's name"
	case isGuessable(password, user):
		return "is too easy to guess: it is a common password, or made of common words, dates, rows of keys or repetitions; " +
			"four words that have nothing to do with each other are hard to guess"
	}
	return ""
}

// holdsName looks for the whole name. A name of two letters is part of many words, so it does not count.
func holdsName(password, user string) bool {
	return len(user) > 2 && strings.Contains(strings.ToLower(password), strings.ToLower(user))
}

// isGuessable removes the parts of the user's name, which an attacker knows, and estimates the rest of the password.
func isGuessable(password, user string) bool {
	for part := range strings.FieldsFuncSeq(user, func(r rune) bool { return strings.ContainsRune("._-", r) }) {
		if len(part) > 2 {
			password = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(part)).ReplaceAllString(password, "")
		}
	}
	begin := []rune(password)
	return zxcvbn.PasswordStrength(string(begin[:min(len(begin), estimated)]), wellKnown).Score < strength
}
