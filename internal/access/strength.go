package access

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
)

// Bounds of a password, in characters and bytes. Nothing is asked of what it is made of, and nobody has to change one that
// nobody else knows (NIST SP 800-63B, section 3.1.1.2).
const (
	passwordMin = 12
	passwordMax = 1024
)

// strength is how many guesses a new password has to stand, on zxcvbn's scale of 0 to 4: 3 is more than 100 million by somebody
// who tries common passwords, names, words, dates, rows of keys and repetitions first. estimated bounds the work.
const (
	strength  = 3
	estimated = 100 // characters
)

// wellKnown are words that guessers of our users' passwords begin with, beside zxcvbn's 94,000 common passwords and its lists of
// English words and names.
var wellKnown = []string{
	"onlywave", "console", "operator", "operador", "viewer", "mercadopago", "pix", "pagamento", "pagamentos", "admin", "senha",
	"minha", "mudar", "mudar123", "acesso", "brasil", "flamengo", "corinthians", "palmeiras", "saopaulo", "santos", "gremio",
	"vasco", "jesus", "deus", "deusefiel", "amor", "familia", "felicidade", "verao", "inverno",
}

// CheckPassword says what is wrong with a user's new password, or "".
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

// holdsName looks for the name as a whole; a name of two letters is in many words.
func holdsName(password, user string) bool {
	return len(user) > 2 && strings.Contains(strings.ToLower(password), strings.ToLower(user))
}

// isGuessable judges what is left of the password without the parts of the name, which a guesser knows.
func isGuessable(password, user string) bool {
	for part := range strings.FieldsFuncSeq(user, func(r rune) bool { return strings.ContainsRune("._-", r) }) {
		if len(part) > 2 {
			password = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(part)).ReplaceAllString(password, "")
		}
	}
	begin := []rune(password)
	return zxcvbn.PasswordStrength(string(begin[:min(len(begin), estimated)]), wellKnown).Score < strength
}
