package deadletter

import (
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// Message is a dead letter: work that could not be finished and waits for an operator. It is a message that no handler could
// process, or a payment's workflow that could not go on.
type Message struct {
	ID          string // see NewID
	Source      Source
	Cause       Cause
	Fingerprint string // the same for dead letters of one fault, see NewFingerprint
	Error       string
	PaymentID   string // empty if it is not known
	WorkflowID  string // only for dead letters of workflows
	RunID       string
	Original    Original
	Trail       []Attempt
	State       State
	Deaths      int // how often it has died
	DiedAt      time.Time
	ReceivedAt  time.Time // when the database last stored it, by the database's clock
	ClosedAt    time.Time // zero while it is open
	ClosedBy    string
	Reason      string
}

// Redrivable says why the dead letter may not be sent again, or nil.
func (m Message) Redrivable() error {
	if m.State == Open {
		return nil
	}
	return &failure.Error{Kind: failure.Conflict, Message: "the dead letter is already " + string(m.State)}
}

// Original is the message as it was published, to send it again. Its body may hold personal data and is never shown.
type Original struct {
	ID          string
	Queue       string // in which it died; empty if it is not known
	Exchange    string // to which it was first published
	Key         string // and with which routing key
	ContentType string
	Body        []byte
	SentAt      time.Time
}

// Attempt is one failed attempt to process the message.
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

// State is the state of a dead letter.
type State string

// The states. A dead letter that dies again is open again.
const (
	Open      State = "open"
	Redriven  State = "redriven"  // sent again
	Discarded State = "discarded" // an operator has closed it, with a reason
	Resolved  State = "resolved"  // its payment's outcome is known now, so nothing needs to be done
)

// States lists every state.
func States() []State {
	return []State{Open, Redriven, Discarded, Resolved}
}
