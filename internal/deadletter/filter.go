package deadletter

import (
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Filter selects dead letters, the latest first. Zero fields do not filter.
type Filter struct {
	IDs         []string         `json:"ids,omitempty"`
	Source      Source           `json:"source,omitempty"`
	Cause       Cause            `json:"cause,omitempty"`
	Fingerprint string           `json:"fingerprint,omitempty"`
	PaymentID   string           `json:"payment_id,omitempty"`
	State       State            `json:"state,omitempty"`
	DiedFrom    time.Time        `json:"died_from,omitzero"` // inclusive
	DiedTo      time.Time        `json:"died_to,omitzero"`   // exclusive
	After       payment.Position `json:"-"`                  // start after this dead letter; its time is DiedAt
	Limit       int              `json:"-"`
}

// Narrow says whether the filter selects by more than state and time.
func (f Filter) Narrow() bool {
	return len(f.IDs) > 0 || f.Source != "" || f.Cause != "" || f.Fingerprint != "" || f.PaymentID != ""
}

// ParseState reads a state from a form or a flag: "any" and "" mean every state. Filter.Fields checks that the state exists.
func ParseState(text string) State {
	if text == "any" {
		return ""
	}
	return State(text)
}

// Fields lists the errors of the filter; their pointers are bare names.
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
	check(f.Fingerprint == "" || isFingerprint(f.Fingerprint), "fingerprint", "must be 16 hexadecimal digits, as shown in a dead letter")
	check(f.PaymentID == "" || payment.ValidID(f.PaymentID), "payment_id", "must be the id of a payment")
	check(f.DiedTo.IsZero() || f.DiedFrom.Before(f.DiedTo), "died_to", "must be later than died_from")
	return wrong
}

func isFingerprint(text string) bool {
	return len(text) == 16 && strings.Trim(text, "0123456789abcdef") == ""
}
