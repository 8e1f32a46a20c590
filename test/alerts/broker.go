package alerts

import (
	"context"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/platform"
)

// Acts on the broker.

// withoutLeader stops the only replica of a quorum queue, as when most of its nodes are unavailable.
func withoutLeader(queue string) Act { return onReplica("stop_server", queue) }

func withLeader(queue string) Act { return onReplica("restart_server", queue) }

func onReplica(do, queue string) Act {
	return func(ctx context.Context, s *Scene) error {
		return s.Stack.RabbitMQEval(ctx, fmt.Sprintf("ra:%s(quorum_queues, {'%%2F_%s', node()})", do, queue))
	}
}

// Queues of other services that subscribe to events: one is full, the other does not answer.
const (
	fullQueue = "alerts.full"
	deafQueue = "alerts.deaf"
)

func bind(queue string, args amqp.Table) Act {
	return func(_ context.Context, s *Scene) error {
		return s.onBroker(func(channel *amqp.Channel) error {
			if _, err := channel.QueueDeclare(queue, true, false, false, false, args); err != nil {
				return err
			}
			return channel.QueueBind(queue, "payment.*", rabbitmq.ExchangeEvents, false, nil)
		})
	}
}

// afterEvents orders until a queue has taken that many events. Only a publisher that has written to a queue waits for its leader: for another
// one the broker refuses at once, while there is none.
func afterEvents(queue string, events int) Act {
	return func(ctx context.Context, s *Scene) error {
		for {
			if err := order(ctx, s); err != nil {
				return err
			}
			taken := 0
			err := s.onBroker(func(channel *amqp.Channel) error {
				state, err := channel.QueueDeclarePassive(queue, true, false, false, false, nil)
				taken = state.Messages
				return err
			})
			if err != nil || taken >= events {
				return err
			}
			if !platform.Pause(ctx, 100*time.Millisecond) {
				return ctx.Err()
			}
		}
	}
}

func unbind(queue string) Act {
	return func(_ context.Context, s *Scene) error {
		return s.onBroker(func(channel *amqp.Channel) error {
			_, err := channel.QueueDelete(queue, false, false, false)
			return err
		})
	}
}

func (s *Scene) onBroker(do func(*amqp.Channel) error) error {
	conn, err := amqp.Dial(s.Stack.RabbitMQURL())
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	return do(channel)
}
