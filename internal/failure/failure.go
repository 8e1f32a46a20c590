// Package failure gives errors a kind. A failure gets its kind once, where it happens, so that HTTP, Temporal and the consumers agree
// on what it means. Its one rule: it knows nothing about what fails.
package failure

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Kind is what a failure means: the API makes an HTTP problem of it, an activity tells Temporal whether to retry, and a consumer
// decides whether to ack, retry or dead-letter a message.
type Kind string

// The kinds of failure. An error that is not an Error is Internal.
const (
	Invalid      Kind = "invalid"      // the request is wrong and stays wrong
	Unauthorized Kind = "unauthorized" // the caller is not authenticated
	Forbidden    Kind = "forbidden"    // the caller may not do this
	NotFound     Kind = "not_found"
	Conflict     Kind = "conflict"    // the request contradicts what is already stored
	Limited      Kind = "limited"     // too many requests; see RetryAfter
	Unavailable  Kind = "unavailable" // a dependency is unavailable, or its answer was lost; the outcome may be unknown
	Internal     Kind = "internal"    // our own fault
)

// Kinds lists every kind; tests range over it at each edge.
func Kinds() []Kind {
	return []Kind{Invalid, Unauthorized, Forbidden, NotFound, Conflict, Limited, Unavailable, Internal}
}

// Error is a failure with its kind. Message may be shown to a client app; Err may not.
type Error struct {
	Kind       Kind
	Message    string
	Fields     []Field       // what is wrong where, for kind Invalid
	Code       Code          // why the provider refused; "": not known
	RetryAfter time.Duration // 0: not known
	Err        error
}

// Field points at one wrong part of a request.
type Field struct {
	Pointer string // JSON pointer into the body (RFC 6901), or "#header/Name" or "#query/name"
	Detail  string // what to do about it
}

// MaxFields is the most Fields that are gathered. More do not help, and a request must not decide how much a refusal costs.
const MaxFields = 20

// Fields gathers what is wrong with a request: the first MaxFields Fields.
type Fields []Field

// Add adds a Field as long as there is room.
func (f *Fields) Add(pointer, detail string) {
	if !f.Full() {
		*f = append(*f, Field{Pointer: pointer, Detail: detail})
	}
}

// Full says that Add has no more room.
func (f *Fields) Full() bool { return len(*f) >= MaxFields }

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first Error in err's chain. A deadline that has passed is Unavailable, any other error Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

// Label is the kind of err for metrics and traces; "" when there is no error.
func Label(err error) string {
	if err == nil {
		return ""
	}
	return string(KindOf(err))
}

// RetryAfter is how long to wait before the next try, as far as err says; 0: it does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// OneOf lists the values of an enumeration for a message.
func OneOf[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, word := range all {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}
