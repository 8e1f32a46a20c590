package rabbitmq

import (
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// HeaderDeaths stands on a message that is sent again after it died: how often it has died so far.
const HeaderDeaths = "dead-letter-deaths"

// maxDeaths refuses numbers that cannot be counts.
const maxDeaths = 1_000_000

// Death is how a message died, from our headers or, where the broker dropped it, from the broker's.
type Death struct {
	Source   string // the key's first word
	Cause    string
	Error    string
	Queue    string
	Exchange string // where the message was first published
	Key      string
	Trail    []Attempt
	At       time.Time // zero when it is not said
	Deaths   int       // with this one
}

// Death reads a delivery from the queue of dead letters. Unknown fields are empty.
func (d Delivery) Death() Death {
	source, cause, _ := strings.Cut(d.Key, ".")
	death := Death{
		Source: source, Cause: d.header(HeaderCause), Error: d.header(HeaderError), Trail: Trail(d.Headers),
		Queue: d.header(HeaderQueue), Exchange: d.header(HeaderExchange), Key: d.header(HeaderKey), Deaths: 1 + d.deaths(),
	}
	if at, err := time.Parse(time.RFC3339, d.header(HeaderTime)); err == nil {
		death.At = at.UTC()
	}
	if death.Cause == "" {
		death.Cause = cause
		death.readBrokers(d.Headers["x-death"])
	}
	return death
}

// readBrokers reads x-death (https://www.rabbitmq.com/docs/dlx#effects): where the message died, the latest first.
func (death *Death) readBrokers(header any) {
	list, _ := header.([]any)
	for i, entry := range list {
		entry, _ := entry.(amqp.Table)
		if i == 0 {
			death.Queue, _ = entry["queue"].(string)
			if at, ok := entry["time"].(time.Time); ok {
				death.At = at.UTC()
			}
		}
		if i == len(list)-1 && death.Exchange == "" {
			death.Exchange, _ = entry["exchange"].(string)
			if keys, _ := entry["routing-keys"].([]any); len(keys) > 0 {
				death.Key, _ = keys[0].(string)
			}
		}
	}
}

// deaths is how often a message had died when it was sent again.
func (d Delivery) deaths() int {
	return int(min(max(integer(d.Headers[HeaderDeaths]), 0), maxDeaths))
}

func (d Delivery) header(name string) string {
	text, _ := d.Headers[name].(string)
	return text
}
