package drills

import (
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

// Evidence is what each side has written down. Nothing in it has been checked yet.
type Evidence struct {
	// The client app.
	Intents []load.Intent
	Sales   []load.Checkout
	Flood   []load.Webhook

	// The database.
	Payments    []Payment
	Operations  []Operation
	Events      []Event
	Entries     []LedgerEntry
	Disputes    []Dispute
	Checkouts   []Checkout
	Pending     int64 // the balances of all client apps
	Available   int64
	Archived    []Notification
	Spooled     []Notification
	Unpublished int          // changes of payments in the outbox, and events to be published again
	Processed   []string     // notifications whose payment a worker has signalled, by its log
	DeadLetters []DeadLetter // in the database, or still in their queue

	hasDeadLetterTable bool   // the database has a table for them
	lost               backup // what was written after it may be lost

	// RabbitMQ and Temporal.
	Queues    []Queue
	Workflows []Workflow

	// The provider.
	Ledger   []simulator.Entry
	Books    simulator.Books
	Disputed []simulator.Disputed
	Asked    time.Time // when the provider was asked for its books
	Requests []simulator.Request
	Webhooks []simulator.WebhookAttempt

	// Monitoring.
	Since  time.Time // of the drill: what happened before was checked by an earlier drill
	Alarms []Alarm

	Pages   []Page            // logs, metrics, messages' headers
	Secrets map[string]string // what must not be in them, by its name
	Stored  []Page            // what Temporal stores
	Private map[string]string // what must not be in clear there, by its name
}

// Payment is a row of the table payments.
type Payment struct {
	ID                string
	Key               string // of the client app
	Status            payment.Status
	Amount            int64
	ProviderPaymentID string
	Version           int
	Refunded          int64  // centavos
	Captured          int64  // likewise, of a reserved sum
	CheckoutID        string // that it is a try at; "": none
	OnPage            bool   // its buyer enters the card on the pay page
}

// Operation is a row of the table operations.
type Operation struct {
	ProviderKey string
	PaymentID   string
	Kind        string
	Amount      int64
	Outcome     string
	ProviderID  string // of a refund
	Origin      string // likewise
}

// Event is one entry of a payment's history.
type Event struct {
	PaymentID string
	Seq       int
	Status    payment.Status
	Amount    int64
	At        time.Time
	Refunded  int64
	Captured  int64
	Stays     bool   // it is about a refund, a dispute, a checkout or a settlement, and the status stays
	RefundID  string // ours; "": it is not about a refund
	Refund    payment.RefundStatus
	DisputeID string // ours; "": it is not about a dispute
	Dispute   payment.DisputeChange
	Checkout  payment.CheckoutChange // "": it is not about a checkout
	Settled   *int64                 // centavos that became available; nil: it is not about that
	Late      bool                   // the buyer has paid after the payment had ended unpaid
}

// Notification is a stored notification of the provider.
type Notification struct {
	ID        string
	RequestID string // as it came; a replayed one repeats it
	Topic     string
	Action    string
}

// DeadLetter is a message or a workflow that failed and waits for an operator.
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

// Queue is a queue and its ready messages. RabbitMQ does not show here what a consumer has in hand.
type Queue struct {
	Name     string
	Messages int
	Kept     bool // messages may stay in it: the dead letters' queue, when the database has no table for them
}

// Workflow is one run.
type Workflow struct {
	ID      string
	RunID   string
	Status  string // as Temporal has it: Running, Completed, Failed, …
	Started time.Time
}

func (w Workflow) running() bool { return w.Status == "Running" }

// Page is a text that must be free of secrets.
type Page struct {
	Where string
	Text  string
}
