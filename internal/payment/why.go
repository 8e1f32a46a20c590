package payment

import (
	"cmp"
)

// FailureReason is why a payment stands where it does, as client apps are told.
type FailureReason struct {
	Code    FailureCode `json:"code"`
	Message string      `json:"message"`           // for people
	Pointer string      `json:"pointer,omitempty"` // the field of the request that can be put right
}

// failureOf puts together what is stored of a failure; nil when there is none. What was stored before there were codes has its
// text only.
func failureOf(status Status, code FailureCode, text string) *FailureReason {
	if code == "" && text == "" {
		return nil
	}
	if code == "" {
		code = FailureRefused
		if status == Unknown {
			code = FailureUnknown
		}
	}
	return &FailureReason{Code: code, Message: cmp.Or(text, code.Message()), Pointer: code.Pointer()}
}

// Why is why the payment failed, was rejected for a reason of ours, or is unknown; nil when it is well.
func (p Payment) Why() *FailureReason { return failureOf(p.Status, p.FailureCode, p.Failure) }

// Why is the same for what an event told.
func (e Event) Why() *FailureReason { return failureOf(e.Status, e.Data.FailureCode, e.Data.Failure) }
