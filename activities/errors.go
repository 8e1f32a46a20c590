package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/payment"
)

// verdict tells Temporal what a failure means: whether to try again, and when. It is the only place
// where kinds become verdicts; the kind stays readable as the error's type.
func verdict(err error) error {
	kind := payment.KindOf(err)
	options := temporal.ApplicationErrorOptions{Cause: errors.Unwrap(err), NextRetryDelay: payment.RetryAfter(err)}
	if code := failureCode(err); code != "" {
		options.Details = []any{Doubt{Code: code}}
	}
	switch kind {
	case payment.Invalid, payment.NotFound, payment.Conflict:
		options.NonRetryable = true // asking again brings the same answer
	case payment.Unavailable, payment.Limited:
		options.Category = temporal.ApplicationErrorCategoryBenign // expected in an outage; retried quietly
	case payment.Unauthorized, payment.Forbidden, payment.Internal:
		// A wrong credential or a bug of ours: it needs a person, and once mended the payments that
		// waited for it go on by themselves.
	}
	return temporal.NewApplicationErrorWithOptions(message(err), string(kind), options)
}

func failureCode(err error) payment.FailureCode {
	if e, ok := errors.AsType[*payment.Error](err); ok {
		return e.Code
	}
	return ""
}

func message(err error) string {
	if e, ok := errors.AsType[*payment.Error](err); ok && e.Message != "" {
		return e.Message
	}
	return err.Error()
}
