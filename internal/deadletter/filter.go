package deadletter

import (
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

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
