package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/failure"
)

// KindOf reads back the kind that an activity gave its failure. An activity that ran out of time is
// Unavailable: its outcome is not known.
func KindOf(err error) failure.Kind {
	if timeout, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		if last, ok := errors.AsType[*temporal.ApplicationError](timeout.Unwrap()); ok {
			return failure.Kind(last.Type())
		}
		return failure.Unavailable
	}
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failure.Kind(app.Type())
	}
	return failure.Internal
}

// reason is the failure in words that may be stored and shown.
func reason(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Message()
	}
	if _, ok := errors.AsType[*temporal.TimeoutError](err); ok {
		return "no answer in time"
	}
	return err.Error()
}

// final says whether a failed activity would fail the same way again.
func final(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.NonRetryable()
}
