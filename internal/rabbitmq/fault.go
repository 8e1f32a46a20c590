package rabbitmq

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Headers of a message that has failed by its own fault, besides those that it had. One that waits for its next attempt
// has the number and the trail of attempts and where it comes from; a dead letter has the rest, too.
const (
	HeaderAttempt  = "attempt"              // how many have failed; int32
	HeaderTrail    = "dead-letter-trail"    // the last of them, see Trail
	HeaderExchange = "dead-letter-exchange" // where the message was first published
	HeaderKey      = "dead-letter-key"      // and with which key
	HeaderCause    = "dead-letter-cause"
	HeaderError    = "dead-letter-error"
	HeaderQueue    = "dead-letter-queue" // where it died: with one ID it may do so in two
	HeaderTime     = "dead-letter-time"  // RFC 3339, UTC
)

// maxErrorText keeps a dead letter readable and well below the size of a frame.
const maxErrorText = 500

// fault is a handler's decision that the message, and not a dependency, is at fault.
type fault struct {
	cause    string
	err      error
	final    bool
	innocent bool // the message is not at fault, but others must not wait for it
}

// Fault is an error for a Consumer: the message cannot be handled, because of its content or a bug. The message is retried after a
// delay, because a deployment may fix the bug, and becomes a dead letter in the end. The cause is one word of a fixed list, and ends up
// in the dead letter's routing key. The text of err is stored with the message: keep personal data out of it.
func Fault(cause string, err error) error { return &fault{cause: cause, err: err} }

// DeadLetter is a Fault that no further attempt can fix.
func DeadLetter(cause string, err error) error { return &fault{cause: cause, err: err, final: true} }

// Postpone is an error for a Consumer: the message waits for a dependency that most other messages do not need. The message comes again
// after the second of the retry delays, until it is handled, and the others are handled meanwhile. No failure is counted. In a queue without
// delay queues it is like any other error.
func Postpone(err error) error { return &fault{err: err, innocent: true} }

func (f *fault) Error() string {
	if f.innocent {
		return fmt.Sprintf("postponed: %v", f.err)
	}
	if f.final {
		return fmt.Sprintf("dead letter, %s: %v", f.cause, f.err)
	}
	return fmt.Sprintf("message's fault, %s: %v", f.cause, f.err)
}

func (f *fault) Unwrap() error { return f.err }

// LastTry says whether a Fault would make d a dead letter, in a queue with delay queues: it has had its retries. So has one that
// has died before, because an operator has sent it again and waits for the outcome.
func (d Delivery) LastTry() bool { return d.Failures >= retries || d.deaths() > 0 }

// postponed is the copy of d that waits for its next attempt in a delay queue.
func (f *fault) postponed(d Delivery, delay time.Duration, now time.Time) Message {
	m := f.failed(d, now)
	m.Key = strconv.Itoa(d.Failures + 1)
	m.expires = delay
	return m
}

// deadLetter is d as a dead letter.
func (f *fault) deadLetter(d Delivery, queue string, now time.Time) Message {
	m := f.failed(d, now)
	m.Key = deadLetterPrefix + f.cause
	m.Headers[HeaderCause] = f.cause
	m.Headers[HeaderError] = truncate(fmt.Sprint(f.err), maxErrorText)
	m.Headers[HeaderQueue] = queue
	m.Headers[HeaderTime] = now.UTC().Format(time.RFC3339)
	return m
}

// failed is d after one more failure.
func (f *fault) failed(d Delivery, now time.Time) Message {
	m := d.again(d.Failures + 1)
	m.Headers[HeaderTrail] = f.trail(d, now)
	return m
}

// again is d to be published once more: same ID and body, and in headers where it came from and how often it failed.
func (d Delivery) again(failures int) Message {
	headers := maps.Clone(d.Headers)
	if headers == nil {
		headers = map[string]any{}
	}
	maps.DeleteFunc(headers, func(name string, _ any) bool { return isBrokersOwn(name) || name == HeaderSuspectTries })
	headers[HeaderAttempt] = int32(failures)
	headers[HeaderExchange] = d.Exchange
	headers[HeaderKey] = d.Key

	m := d.Message
	m.Headers = headers
	if m.ID == "" { // another program published it; it must not stop the queue
		m.ID = uuid.NewSHA1(uuid.NameSpaceOID, d.Body).String()
	}
	return m
}

// isBrokersOwn says which headers the broker writes. RabbitMQ 3.10 acts upon those it is given, 4 does not.
func isBrokersOwn(header string) bool {
	return header == "x-death" || header == "x-delivery-count" || header == "x-acquired-count" ||
		strings.HasPrefix(header, "x-first-death-") || strings.HasPrefix(header, "x-last-death-")
}

func truncate(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
