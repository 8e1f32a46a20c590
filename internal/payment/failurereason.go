package payment

import (
	"cmp"

	"github.com/onlywave/onlywave/internal/failure"
)

// FailureReason is why a payment has its status, as client apps see it.
type FailureReason struct {
	Code    failure.Code `json:"code"`
	Message string       `json:"message"`           // for developers and operators
	Pointer string       `json:"pointer,omitempty"` // the field of the request that can be put right
}

// failureOf puts together what is stored of a failure; nil when there is none. What was stored before there were codes has its
// text only.
func failureOf(status Status, code failure.Code, text string) *FailureReason {
	if code == "" && text == "" {
		return nil
	}
	if code == "" {
		code = failure.CodeRefused
		if status == Unknown {
			code = failure.CodeUnknown
		}
	}
	return &FailureReason{Code: code, Message: cmp.Or(text, code.Message()), Pointer: code.Pointer()}
}

// Why is why the payment failed, was rejected for a reason of ours, or is unknown; nil when it is well.
func (p Payment) Why() *FailureReason { return failureOf(p.Status, p.FailureCode, p.Failure) }

// Why is the same for an event.
func (e Event) Why() *FailureReason { return failureOf(e.Status, e.Data.FailureCode, e.Data.Failure) }
