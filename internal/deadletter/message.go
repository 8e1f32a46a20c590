package deadletter

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Message is something that could not be finished, kept as work for a person: a message that no handler could deal with,
// or a payment's workflow that could not go on.
type Message struct {
	ID          string // UUIDv5 of message and queue, see NewID
	Source      Source
	Cause       Cause
	Fingerprint string // the same for letters of one fault, see Fingerprint
	Error       string
	PaymentID   string // empty when it is not known
	WorkflowID  string // of a workflow's letter
	RunID       string
	Original    Original
	Trail       []Attempt
	State       State
	Deaths      int // how often it has died
	DiedAt      time.Time
	ReceivedAt  time.Time // when the record last took it in, by the record's clock
	ClosedAt    time.Time // zero while it is open
	ClosedBy    string
	Reason      string
}

// Redrivable says why a letter may not be sent again, or nil.
func (m Message) Redrivable() error {
	if m.State == Open {
		return nil
	}
	return &failure.Error{Kind: failure.Conflict, Message: "the letter is " + string(m.State) + " already"}
}

// Original is what is needed to send the message again. Its body may hold personal data and is never shown.
type Original struct {
	ID          string
	Queue       string // in which it died; empty when it is not known
	Exchange    string // to which it was first published
	Key         string // and with which routing key
	ContentType string
	Body        []byte
	SentAt      time.Time
}

// Attempt is one try that failed.
type Attempt struct {
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
}

// Source is where a dead letter comes from.
type Source string

// The sources.
const (
	FromWebhook  Source = "webhook"
	FromWorkflow Source = "workflow"
)

// State is what has become of a dead letter.
type State string

// The states. A letter that dies again is open again.
const (
	Open      State = "open"
	Redriven  State = "redriven"  // sent again
	Discarded State = "discarded" // given up by a person, who said why
	Resolved  State = "resolved"  // became needless by itself
)

// States lists every state.
func States() []State {
	return []State{Open, Redriven, Discarded, Resolved}
}

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

// Filter chooses dead letters, those that died last first. Zero fields do not filter.
type Filter struct {
	IDs         []string         `json:"ids,omitempty"`
	Source      Source           `json:"source,omitempty"`
	Cause       Cause            `json:"cause,omitempty"`
	Fingerprint string           `json:"fingerprint,omitempty"`
	PaymentID   string           `json:"payment_id,omitempty"`
	State       State            `json:"state,omitempty"`
	DiedFrom    time.Time        `json:"died_from,omitzero"` // inclusive
	DiedTo      time.Time        `json:"died_to,omitzero"`   // exclusive
	After       payment.Position `json:"-"`                  // start behind this letter; its time is when it died
	Limit       int              `json:"-"`
}

// Narrow says whether the filter chooses anything, beside a state and a time.
func (f Filter) Narrow() bool {
	return len(f.IDs) > 0 || f.Source != "" || f.Cause != "" || f.Fingerprint != "" || f.PaymentID != ""
}

// ParseState reads a state as people write it. "any", and nothing, mean letters of every state. Whether there is such a
// state is for Fields to say.
func ParseState(text string) State {
	if text == "any" {
		return ""
	}
	return State(text)
}

// Fields finds what is wrong with the filter; the pointers are bare names.
func (f Filter) Fields() []failure.Field {
	var wrong []failure.Field
	check := func(right bool, name, detail string) {
		if !right {
			wrong = append(wrong, failure.Field{Pointer: name, Detail: detail})
		}
	}
	check(f.State == "" || slices.Contains(States(), f.State), "state", "must be "+failure.OneOf(States())+" or any")
	check(f.Source == "" || f.Source == FromWebhook || f.Source == FromWorkflow, "source", "must be webhook or workflow")
	check(f.Cause == "" || f.Cause.Known(), "cause", "must be one of "+failure.OneOf(Causes()))
	check(f.Fingerprint == "" || isFingerprint(f.Fingerprint), "fingerprint", "must be 16 hexadecimal digits, as a dead letter shows them")
	check(f.PaymentID == "" || payment.ValidID(f.PaymentID), "payment_id", "must be the id of a payment")
	check(f.DiedTo.IsZero() || f.DiedFrom.Before(f.DiedTo), "died_to", "must be later than died_from")
	return wrong
}

func isFingerprint(text string) bool {
	return len(text) == 16 && strings.Trim(text, "0123456789abcdef") == ""
}
