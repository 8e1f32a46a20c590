package rabbitmq

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// AMQP's short strings carry their length in one byte.
const maxShortString = 255

// maxBody keeps well under the 16 MiB that RabbitMQ 4 takes by default: a larger message closes the channel.
const maxBody = 4 << 20

// Message is what is published and delivered.
type Message struct {
	ID          string         // required; the same when published again, so that consumers recognise a duplicate
	Key         string         // routing key
	ContentType string         // of Body
	Headers     map[string]any // strings, numbers, booleans, []byte, time.Time or nested amqp091-go tables; int goes as 32 bits
	Body        []byte         // at most 4 MiB
	Time        time.Time      // when it came about; carried in whole seconds
	Optional    bool           // published with success even if no queue is bound for it, as events may be
	expires     time.Duration  // how long it stays in its queue; 0: for ever
}

// Delivery is a message handed to a consumer.
type Delivery struct {
	Message            // Key is the one with which it was first published
	Exchange    string // it was first published to
	Redelivered bool   // it was handed out before, here or to another consumer
	Failures    int    // how often it has failed by its own fault
}

// check finds mistakes for which the broker or the library would close the channel or the connection, which would fail the publishes of
// all other callers too.
func (m Message) check() error {
	if m.ID == "" {
		return errors.New("message has no ID")
	}
	if len(m.ID) > maxShortString || len(m.Key) > maxShortString || len(m.ContentType) > maxShortString {
		return fmt.Errorf("message's ID, key or content type is over %d bytes", maxShortString)
	}
	if len(m.Body) > maxBody {
		return fmt.Errorf("message's body is over %d bytes", maxBody)
	}
	return checkHeaders(m.Headers)
}

func checkHeaders(headers map[string]any) error {
	for name, value := range headers {
		if len(name) > maxShortString {
			return fmt.Errorf("message header's name is over %d bytes", maxShortString)
		}
		if nested, ok := value.(amqp.Table); ok {
			if err := checkHeaders(nested); err != nil {
				return err
			}
		}
	}
	if err := amqp.Table(headers).Validate(); err != nil {
		return fmt.Errorf("message headers: %w", err)
	}
	return nil
}

func (m Message) publishing() amqp.Publishing {
	p := amqp.Publishing{
		MessageId:    m.ID,
		ContentType:  m.ContentType,
		Headers:      m.Headers,
		DeliveryMode: amqp.Persistent,
		Timestamp:    m.Time,
		Body:         m.Body,
	}
	if m.expires > 0 {
		p.Expiration = strconv.FormatInt(m.expires.Milliseconds(), 10)
	}
	return p
}

// newDelivery reads what routes and again have written, but only on messages that were published to a queue, came out of a
// delay queue or were sent back: one that is published to an exchange has not failed yet.
func newDelivery(d amqp.Delivery) Delivery {
	delivery := Delivery{
		Message: Message{
			ID:          d.MessageId,
			Key:         d.RoutingKey,
			ContentType: d.ContentType,
			Headers:     d.Headers,
			Body:        d.Body,
			Time:        d.Timestamp,
		},
		Exchange:    d.Exchange,
		Redelivered: d.Redelivered,
	}
	if d.Exchange != exchangeDefault {
		return delivery
	}
	if exchange, ok := d.Headers[HeaderExchange].(string); ok {
		delivery.Exchange = exchange
		delivery.Key, _ = d.Headers[HeaderKey].(string)
	}
	delivery.Failures = int(min(max(integer(d.Headers[HeaderAttempt]), 0), maxDeaths))
	return delivery
}

// integer reads a number from a header, whichever of AMQP's types it has: brokers and their versions differ. Anything else is 0.
func integer(header any) int64 {
	switch n := header.(type) {
	case int8:
		return int64(n)
	case uint8:
		return int64(n)
	case int16:
		return int64(n)
	case uint16:
		return int64(n)
	case int32:
		return int64(n)
	case uint32:
		return int64(n)
	case int64:
		return n
	case int:
		return int64(n)
	}
	return 0
}
