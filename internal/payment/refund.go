package payment

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// RefundRequest is what is asked for when money is to be given back.
type RefundRequest struct {
	Amount         int64             `json:"amount,omitempty"` // centavos; 0 with All only
	All            bool              `json:"all,omitempty"`    // all that is left
	Reason         string            `json:"reason,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	IdempotencyKey string            `json:"idempotency_key,omitempty"` // "" takes the id of the order
	Origin         Origin            `json:"-"`                         // decided when the refund is stored
}

// Fields lists the errors of a request. An amount that is missing or 0 by mistake never becomes a refund of all.
func (r RefundRequest) Fields() []failure.Field {
	var wrong failure.Fields
	switch {
	case r.All && r.Amount != 0:
		wrong.Add("/amount", "must not be sent together with all")
	case !r.All && r.Amount <= 0:
		wrong.Add("/amount", `must be at least 1 centavo; send "all": true to refund all that is left`)
	}
	validateMetadata(r.Metadata, wrong.Add)
	if utf8.RuneCountInString(r.Reason) > maxRefundReason {
		wrong.Add("/reason", fmt.Sprintf("must have at most %d characters", maxRefundReason))
	}
	refuseText(wrong.Add, "/reason", r.Reason, Lines)
	return wrong
}

const maxRefundReason = 500

// LateRefund is the refund of a payment whose buyer has paid too late, as its client app has asked for it with the payment.
func LateRefund() RefundRequest {
	return RefundRequest{All: true, Reason: "the buyer has paid after the payment's end", IdempotencyKey: "late-payment", Origin: FromClient}
}

// Fingerprint says whether two requests ask for the same refund: a key may be repeated only with an equal one.
func (r RefundRequest) Fingerprint() string {
	r.IdempotencyKey = ""
	return fingerprint(r)
}

// RefundStatus is where a refund stands.
type RefundStatus string

// The statuses of a refund.
const (
	RefundPending   RefundStatus = "pending"
	RefundSucceeded RefundStatus = "succeeded"
	RefundFailed    RefundStatus = "failed"
)

// RefundStatus is the outcome in the words of a refund. What is unknown is pending: it is being found out.
func (o Outcome) RefundStatus() RefundStatus {
	switch o {
	case OutcomeDone:
		return RefundSucceeded
	case OutcomeRefused, OutcomeSettled:
		return RefundFailed
	}
	return RefundPending
}

// PendingRefund is a refund that has not ended.
type PendingRefund struct {
	ID         string    `json:"id"`
	Amount     int64     `json:"amount"` // centavos
	AskedAt    time.Time `json:"asked_at"`
	ProviderID string    `json:"provider_id,omitempty"` // the provider has it, and has not ended it
}

// EventRefund is the refund that an event is about.
type EventRefund struct {
	ID          string       `json:"id"`
	Amount      int64        `json:"amount"` // centavos
	Status      RefundStatus `json:"status"`
	Origin      Origin       `json:"origin"`
	FailureCode failure.Code `json:"failure_code,omitempty"`
}
