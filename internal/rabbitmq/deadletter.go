package rabbitmq

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Headers of a dead letter, besides those that the message had.
const (
	HeaderCause    = "dead-letter-cause"
	HeaderError    = "dead-letter-error"
	HeaderExchange = "dead-letter-exchange" // where the message was first published
	HeaderKey      = "dead-letter-key"      // and with which key
	HeaderTime     = "dead-letter-time"     // RFC 3339, UTC
)

// maxErrorText keeps a dead letter readable and well below the size of a frame.
const maxErrorText = 500

type deadLetterError struct {
	cause string
	err   error
}

// DeadLetter tells a Consumer that the message can never be handled. The cause is one word of a fixed list, and ends up in
// the routing key. The text of err is stored with the message: keep personal data out of it.
func DeadLetter(cause string, err error) error { return &deadLetterError{cause, err} }

func (e *deadLetterError) Error() string { return fmt.Sprintf("dead letter, %s: %v", e.cause, e.err) }

func (e *deadLetterError) Unwrap() error { return e.err }

// message is the dead letter for d: same ID and body, and in headers where it came from.
func (e *deadLetterError) message(d Delivery, now time.Time) Message {
	headers := maps.Clone(d.Headers)
	if headers == nil {
		headers = map[string]any{}
	}
	maps.DeleteFunc(headers, func(name string, _ any) bool { return isBrokersOwn(name) })
	headers[HeaderCause] = e.cause
	headers[HeaderError] = truncate(fmt.Sprint(e.err), maxErrorText)
	headers[HeaderExchange] = d.Exchange
	headers[HeaderKey] = d.Key
	headers[HeaderTime] = now.UTC().Format(time.RFC3339)

	m := d.Message
	m.Key = deadLetterPrefix + e.cause
	m.Headers = headers
	if m.ID == "" { // not one of ours, but it must not stop the queue
		m.ID = uuid.NewSHA1(uuid.NameSpaceOID, d.Body).String()
	}
	return m
}

// isBrokersOwn tells which headers the broker writes. RabbitMQ 3.10 acts upon those it is given, 4 does not.
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
