package deadletter

import (
	"time"

	"github.com/onlywave/onlywave/internal/failure"
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
