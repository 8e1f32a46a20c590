package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
)

// Cause is why something became a dead letter.
type Cause string

// The causes.
const (
	CauseUnreadable            Cause = "unreadable"
	CauseInvalid               Cause = "invalid"
	CauseRefused               Cause = "refused"
	CauseHandlerPanic          Cause = "handler-panic"
	CauseDeliveryLimit         Cause = "delivery-limit"
	CauseUnknownOutcome        Cause = "unknown-outcome"
	CauseDependencyUnavailable Cause = "dependency-unavailable"
	CauseContradiction         Cause = "contradiction"
	CauseInternal              Cause = "internal"
	CauseUnlabelled            Cause = "unlabelled"
)

// neverWritten is what to do when a run ended before it wrote its payment.
const neverWritten = " If the redrive says that the payment was never written, reset the letter's run to its first task: only its history holds what was asked for."

// advice is the fixed list of causes, and what to do about each.
var advice = map[Cause]string{
	CauseUnreadable:            "The message is not what its queue expects. Find out who published it; redrive it only after a release that can read it, else discard it.",
	CauseInvalid:               "The message can be read, but the record or the provider will never take what it says. Look at the error; redrive it after a release that can, else discard it.",
	CauseRefused:               "Mercado Pago does not show our account what this webhook is about. Most likely it belongs to another account: compare the webhook's user_id with our account's id, and discard it. Redrive it once our account may read it.",
	CauseHandlerPanic:          "A handler of ours has a bug that this message shows. The worker's log has the stack. Mend the bug, redrive one as a canary, then the rest by fingerprint.",
	CauseDeliveryLimit:         "Workers died over this message, or while they held it: it may be innocent. Redrive it by itself and watch the workers; if one dies again, mend the fault first.",
	CauseUnknownOutcome:        "Nobody knows whether the provider charged this payment. Never charge it again. Search the provider's panel for the payment's id as external reference; a redrive looks again at once, and the letter stays open until the provider answers and it is resolved by itself. When the panel has no such payment, settle it as failed, with a reason: it is searched for once more before that is believed.",
	CauseDependencyUnavailable: "The database or the broker was unavailable for longer than a payment keeps trying. Once it has recovered, redrive: a new run loads the payment and goes on." + neverWritten,
	CauseContradiction:         "What the payment's workflow was told contradicts the record, and trying again changes nothing. Compare the payment with the provider's panel; redrive after the record or the code has been mended." + neverWritten,
	CauseInternal:              "A bug or a wrong credential of ours is in the way. The worker's log has the error. Mend it, redrive one as a canary, then the rest by fingerprint." + neverWritten,
	CauseUnlabelled:            "Somebody else published this as a dead letter, without a cause that we know. Find out who; discard it when it needs nothing.",
}

// dependencyAway was the word for CauseDependencyUnavailable. Messages and histories from before hold it, and ids and fingerprints
// are made from it, so that they stay the same.
const dependencyAway = "dependency-away"

// ParseCause reads a cause as messages and histories have it, also those from before.
func ParseCause(word string) Cause {
	if word == dependencyAway {
		return CauseDependencyUnavailable
	}
	return Cause(word)
}

// UnmarshalText reads a cause as JSON has it.
func (c *Cause) UnmarshalText(text []byte) error {
	*c = ParseCause(string(text))
	return nil
}

// Former is the word that stood for the cause at first. It never changes.
func (c Cause) Former() string {
	if c == CauseDependencyUnavailable {
		return dependencyAway
	}
	return string(c)
}

// Causes lists every cause, in the order of the list above.
func Causes() []Cause {
	return []Cause{CauseUnreadable, CauseInvalid, CauseRefused, CauseHandlerPanic, CauseDeliveryLimit,
		CauseUnknownOutcome, CauseDependencyUnavailable, CauseContradiction, CauseInternal, CauseUnlabelled}
}

// Advice is what a person can do about a letter of this cause.
func (c Cause) Advice() string { return advice[c] }

// Known says whether the cause is one of the list.
func (c Cause) Known() bool { return advice[c] != "" }

// CauseOf is why a payment's run could not go on, by the kind of failure that ended it.
func CauseOf(kind failure.Kind) Cause {
	switch kind {
	case failure.Unavailable, failure.Limited:
		return CauseDependencyUnavailable
	case failure.Invalid, failure.Conflict, failure.NotFound:
		return CauseContradiction
	case failure.Unauthorized, failure.Forbidden, failure.Internal:
	}
	return CauseInternal
}

// What differs between two errors of one fault: what is quoted, and words with a digit in them, as ids, numbers and times have.
var (
	quoted   = regexp.MustCompile(`"[^"]*"?`)
	numbered = regexp.MustCompile(`[\pL\pN_.:+-]*\pN[\pL\pN_.:+-]*`)
)

// NewFingerprint groups dead letters of one fault, however many there are. 64 bits, hexadecimal.
func NewFingerprint(source Source, cause Cause, text string) string {
	text = numbered.ReplaceAllString(quoted.ReplaceAllString(text, `"`), "#")
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	sum := sha256.Sum256([]byte(string(source) + "\x00" + cause.Former() + "\x00" + text))
	return hex.EncodeToString(sum[:8])
}
