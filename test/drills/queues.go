package drills

import (
	"errors"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// deepest is how many messages of one queue peek reads at most.
const deepest = 20_000

// askRabbitMQ counts the ready messages of each queue. A missing queue is an error.
func (e *Evidence) askRabbitMQ(url string) error {
	return onChannel(url, func(channel *amqp.Channel) error {
		for _, name := range rabbitmq.QueueNames() {
			q, err := channel.QueueDeclarePassive(name, true, false, false, false, nil)
			if err != nil {
				return fmt.Errorf("queue %s: %w", name, err)
			}
			e.Queues = append(e.Queues, Queue{Name: name, Messages: q.Messages, Kept: name == rabbitmq.QueueDeadLetters && !e.hasDeadLetterTable})
		}
		return nil
	})
}

// peek reads messages and leaves them in their queues: the dead letters, and the headers of all messages.
func peek(url string, queues []Queue) (deadLetters []DeadLetter, headers []Page, err error) {
	err = onChannel(url, func(channel *amqp.Channel) error { // closing the channel puts back what was not acknowledged
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
					deadLetters = append(deadLetters, deadLetter(m))
				}
			}
			headers = append(headers, page)
		}
		return nil
	})
	return deadLetters, headers, err
}

func deadLetter(m amqp.Delivery) DeadLetter {
	cause, _ := m.Headers[rabbitmq.HeaderCause].(string) // a message that RabbitMQ itself dead-lettered has none
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
