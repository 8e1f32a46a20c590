// Package failure says what kind of failure something is, once, where it happens, so that every edge agrees on what it means. Its one rule:
// it knows nothing of what fails.
package failure

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Kind classifies a failure once, where it happens, so that every edge agrees on what it means: the
// HTTP edge makes a problem of it, an activity a verdict for Temporal, a consumer an answer to the
// broker.
type Kind string

// The kinds of failure. A foreign error is Internal.
const (
	Invalid      Kind = "invalid"      // the request is wrong and will stay wrong
	Unauthorized Kind = "unauthorized" // who are you?
	Forbidden    Kind = "forbidden"    // you may not
	NotFound     Kind = "not_found"
	Conflict     Kind = "conflict"    // contradicts what is already there
	Limited      Kind = "limited"     // too much at once; see RetryAfter
	Unavailable  Kind = "unavailable" // a dependency is away, or its answer was lost; the outcome may be unknown
	Internal     Kind = "internal"    // a bug of ours
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
	Code       Code          // why the provider refused, as far as that is known
	RetryAfter time.Duration // 0: not known
	Err        error
}

// Field points at one wrong part of a request.
type Field struct {
	Pointer string // JSON pointer into the body (RFC 6901), or "#header/Name" or "#query/name"
	Detail  string // what to do about it
}

// MaxFields is how many Fields are gathered at most. More help nobody, and what a refusal costs must not be the request's
// to decide.
const MaxFields = 20

// Fields gathers what is wrong with a request: the first MaxFields Fields.
type Fields []Field

// Add keeps a finding as long as there is room.
func (f *Fields) Add(pointer, detail string) {
	if !f.Full() {
		*f = append(*f, Field{Pointer: pointer, Detail: detail})
	}
}

// Full says that what is added will not be kept.
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

// KindOf is the kind of the first Error in err's chain. A deadline that passed is Unavailable, any
// other foreign error Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Unavailable
	}
	return Internal
}

// Label is err's kind as a word for metrics and traces, "" when there is no error.
func Label(err error) string {
	if err == nil {
		return ""
	}
	return string(KindOf(err))
}

// RetryAfter is how long the failed party asked to be left alone, 0 when it did not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// OneOf lists what there is, for people.
func OneOf[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, word := range all {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}
