package payment

import (
	"slices"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// Operation is a kind of intent that moves money at the provider.
type Operation string

// The operations.
const (
	Charge  Operation = "charge"
	Capture Operation = "capture" // takes a reserved sum, all of it or less
	Cancel  Operation = "cancel"  // closes an unpaid payment
	Refund  Operation = "refund"  // gives money back, all of it or a part
)

// possible is the one table of what may be asked of the provider when, beside the table of moves.
var possible = map[Operation][]Status{
	Charge:  {Processing},
	Capture: {Authorized},
	Cancel:  {Pending, InReview, Authorized},
	Refund:  {Approved, PartiallyRefunded},
}

// PossibleFor says whether the operation may be asked for while a payment has this status.
func (o Operation) PossibleFor(s Status) bool { return slices.Contains(possible[o], s) }

// Statuses lists the statuses in which the operation may be asked for.
func (o Operation) Statuses() []Status { return slices.Clone(possible[o]) }

// Outcome is how an operation ended.
type Outcome string

// The outcomes.
const (
	OutcomeAsked   Outcome = "asked"   // the provider was or will be asked; it has not ended
	OutcomeDone    Outcome = "done"    // the provider has carried it out
	OutcomeRefused Outcome = "refused" // the provider has not carried it out, and will not
	OutcomeUnknown Outcome = "unknown" // the provider's answer is lost
	OutcomeSettled Outcome = "settled" // an operator has decided that the provider has not carried it out
)

// Ended says whether nothing more is expected.
func (o Outcome) Ended() bool { return o != OutcomeAsked && o != OutcomeUnknown }

// Origin says who asked for an operation.
type Origin string

// The origins.
const (
	FromClient   Origin = "client"   // a client app, through the API
	FromOperator Origin = "operator" // an operator of the platform
	FromProvider Origin = "provider" // the seller, in the provider's own panel
)

// ProviderKey is the idempotency key under which the provider sees one operation of a payment. A
// retry, a crash, a redeploy and an operator's reset all repeat it; number counts the operations of
// one kind on one payment, from 1.
func ProviderKey(paymentID string, op Operation, number int) string {
	return NamedID(providerNamespace, paymentID+"\x00"+string(op)+"\x00"+strconv.Itoa(number))
}

// RefundID is the id of a refund, and the idempotency key under which the provider sees it. It is made of the key of whoever asks for the
// refund, not of a number: a row that is lost and written anew must not give another refund the same key.
func RefundID(paymentID, idempotencyKey string) string {
	return NamedID(providerNamespace, paymentID+"\x00"+string(Refund)+"\x00key\x00"+idempotencyKey)
}

// ForeignRefundID is the id of a refund that was made in the provider's own panel.
func ForeignRefundID(paymentID, providerRefundID string) string {
	return NamedID(providerNamespace, paymentID+"\x00"+string(Refund)+"\x00provider\x00"+providerRefundID)
}

// OperationRecord is one operation of a payment as the database holds it.
type OperationRecord struct {
	ProviderKey string // under which the provider sees it; of a refund also its id
	Kind        Operation
	Number      int
	Amount      int64 // centavos
	Outcome     Outcome
	CreatedAt   time.Time
	UpdatedAt   time.Time

	// The rest is a refund's, but for Failure and ProviderID, which a rejected card that its buyer has entered has, too.
	IdempotencyKey string // of whoever has asked for it; "" when it was made in the provider's panel
	Origin         Origin
	Reason         string
	Metadata       map[string]string
	ProviderID     string // the provider's own id of it; "" until it has answered
	Failure        string // why the outcome is refused, in words
	FailureCode    failure.Code
	Fingerprint    string    // of the request, see RefundRequest.Fingerprint
	SentAt         time.Time // when it was about to be sent first; zero: never
}

// Made says whether the provider may have made something of the operation: it has not refused it outright.
func (o OperationRecord) Made() bool { return o.Outcome != OutcomeRefused || o.ProviderID != "" }

// MadeCharges counts the charges of which the provider may have made a payment.
func MadeCharges(charges []OperationRecord) (n int) {
	for _, o := range charges {
		if o.Made() {
			n++
		}
	}
	return n
}
