package drills

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// deepest is how far into one queue peek looks; more is nothing that a drill may leave behind.
const deepest = 20_000

// askRabbitMQ counts what is ready in each queue. A queue that is not there is an error.
func (e *Evidence) askRabbitMQ(url string) error {
	return onChannel(url, func(channel *amqp.Channel) error {
		for _, name := range rabbitmq.QueueNames() {
			q, err := channel.QueueDeclarePassive(name, true, false, false, false, nil)
			if err != nil {
				return fmt.Errorf("queue %s: %w", name, err)
			}
			e.Queues = append(e.Queues, Queue{Name: name, Messages: q.Messages, Kept: name == rabbitmq.QueueDeadLetters && !e.lettersInRecord})
		}
		return nil
	})
}

// peek reads what is in the queues without taking it out: the dead letters, and all headers for what may be in them.
func peek(url string, queues []Queue) (letters []DeadLetter, headers []Page, err error) {
	err = onChannel(url, func(channel *amqp.Channel) error { // its end puts back what was not acknowledged
		for _, q := range queues {
			page := Page{Where: "the headers in queue " + q.Name, Text: q.Name + "\n"}
			for range min(q.Messages, deepest) {
				m, ok, err := channel.Get(q.Name, false)
				if err != nil {
					return err
				}
				if !ok {
					break
				}
				page.Text += fmt.Sprintf("%q %q %v\n", m.MessageId, m.RoutingKey, m.Headers)
				if q.Name == rabbitmq.QueueDeadLetters {
					letters = append(letters, deadLetter(m))
				}
			}
			headers = append(headers, page)
		}
		return nil
	})
	return letters, headers, err
}

func deadLetter(m amqp.Delivery) DeadLetter {
	cause, _ := m.Headers[rabbitmq.HeaderCause].(string) // the broker's own letters have none
	return DeadLetter{MessageID: m.MessageId, RequestID: requestID(m.Body), Cause: cause, State: "open"}
}

func onChannel(url string, do func(*amqp.Channel) error) (err error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	return do(channel)
}
