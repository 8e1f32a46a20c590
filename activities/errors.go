package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/failure"
)

// activityError turns a failure into Temporal's error: whether to retry, and when. It is the only place where kinds become retry
// decisions. The kind stays readable as the error's type. Nil stays nil.
func activityError(err error) error {
	if err == nil {
		return nil
	}
	kind := failure.KindOf(err)
	options := temporal.ApplicationErrorOptions{Cause: errors.Unwrap(err), NextRetryDelay: failure.RetryAfter(err)}
	if code := failureCode(err); code != "" {
		options.Details = []any{Doubt{Code: code}}
	}
	switch kind {
	case failure.Invalid, failure.NotFound, failure.Conflict:
		options.NonRetryable = true // asking again brings the same answer
	case failure.Unavailable, failure.Limited:
		options.Category = temporal.ApplicationErrorCategoryBenign // expected in an outage; retried quietly
	case failure.Unauthorized, failure.Forbidden, failure.Internal:
		// A wrong credential or a bug of ours: it needs a person, and once mended the payments that
		// waited for it go on by themselves.
	}
	return temporal.NewApplicationErrorWithOptions(message(err), string(kind), options)
}

func failureCode(err error) failure.Code {
	if e, ok := errors.AsType[*failure.Error](err); ok {
		return e.Code
	}
	return ""
}

func message(err error) string {
	if e, ok := errors.AsType[*failure.Error](err); ok && e.Message != "" {
		return e.Message
	}
	return err.Error()
}
