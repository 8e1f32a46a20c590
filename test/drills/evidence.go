package drills

import (
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

// Evidence is what each side has written down, as it is: nothing in it has been judged yet.
type Evidence struct {
	// The client app.
	Intents []load.Intent
	Flood   []load.Webhook

	// Our record.
	Payments    []Payment
	Operations  []Operation
	Events      []Event
	Archived    []Notification
	Spooled     []Notification
	Untold      int          // payments of which somebody has still to be told, and events to be published again
	Processed   []string     // notifications that a worker says it has told a payment of
	DeadLetters []DeadLetter // kept in the record, or still in their queue

	lettersInRecord bool   // the record has a place for them
	lost            backup // what was written since may be lost

	// RabbitMQ and Temporal.
	Queues    []Queue
	Workflows []Workflow

	// The provider.
	Ledger   []simulator.Entry
	Requests []simulator.Request
	Webhooks []simulator.WebhookAttempt

	// Monitoring.
	Since  time.Time // of the drill: what happened before it was judged with an earlier one
	Alarms []Alarm

	Pages   []Page            // logs, metrics, messages' headers
	Secrets map[string]string // what must not be in them, by what it is
}

// Payment is a row of the record.
type Payment struct {
	ID                string
	Key               string // of the client app
	Status            payment.Status
	Amount            int64
	ProviderPaymentID string
	Version           int
}

// Operation is an intent that moves money, as recorded.
type Operation struct {
	ProviderKey string
	PaymentID   string
	Kind        string
	Amount      int64
	Outcome     string
}

// Event is one entry of a payment's history.
type Event struct {
	PaymentID string
	Seq       int
	Status    payment.Status
	Amount    int64
	At        time.Time
}

// Notification is a provider's notification that we hold.
type Notification struct {
	ID        string
	RequestID string // as it came; a replayed one repeats it
	Topic     string
	Action    string
}

// DeadLetter is what could not be finished, kept for a person.
type DeadLetter struct {
	MessageID  string
	RequestID  string // of the notification, if it is one
	Cause      string
	PaymentID  string
	WorkflowID string
	RunID      string
	State      string
	DiedAt     time.Time
}

// Queue is one of ours and what is ready in it; what a consumer has in hand the broker does not tell.
type Queue struct {
	Name     string
	Messages int
	Kept     bool // what is in it may stay: the dead letters', where the record has no place for them
}

// Workflow is one run.
type Workflow struct {
	ID      string
	RunID   string
	Status  string // as Temporal has it: Running, Completed, Failed, …
	Started time.Time
}

// Page is a text that must be free of secrets.
type Page struct {
	Where string
	Text  string
}
