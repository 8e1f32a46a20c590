package drills

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/platform"
)

// onBroker acts on RabbitMQ directly, not over the links.
func onBroker(do func(context.Context, *Scene, *amqp.Channel) error) Act {
	return func(ctx context.Context, s *Scene) (err error) {
		conn, err := amqp.Dial(s.Stack.RabbitMQURL())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		channel, err := conn.Channel()
		if err != nil {
			return err
		}
		return do(ctx, s, channel)
	}
}

// unbindWebhooks removes all bindings of the webhooks' exchange.
var unbindWebhooks = onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
	err := channel.QueueUnbind(rabbitmq.QueueArchive, "mercadopago.#", rabbitmq.ExchangeWebhooks, nil)
	for _, key := range rabbitmq.ProcessedKeys() {
		err = errors.Join(err, channel.QueueUnbind(rabbitmq.QueueProcess, key, rabbitmq.ExchangeWebhooks, nil))
	}
	return err
})

func deleteExchange(name string) Act {
	return onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
		return channel.ExchangeDelete(name, false, false)
	})
}

func deleteQueue(name string) Act {
	return onBroker(func(_ context.Context, _ *Scene, channel *amqp.Channel) error {
		_, err := channel.QueueDelete(name, false, false, false)
		return err
	})
}

// reconnect makes every process connect to the broker again and declare its exchanges and queues.
var reconnect = []Act{cut("", devstack.RabbitMQ), mend("", devstack.RabbitMQ)}

// poison publishes unreadable messages directly to the exchange, with a gap between them.
func poison(count int, gap time.Duration) Act {
	return onBroker(func(ctx context.Context, s *Scene, channel *amqp.Channel) error {
		if err := channel.Confirm(false); err != nil {
			return err
		}
		for i := range count {
			id := fmt.Sprintf("%s-poison-%d-%x", s.Drill.Name, i, s.Random.Uint32())
			confirm, err := channel.PublishWithDeferredConfirmWithContext(ctx, rabbitmq.ExchangeWebhooks, "mercadopago.payment", false, false,
				amqp.Publishing{MessageId: id, DeliveryMode: amqp.Persistent, ContentType: "application/json", Body: []byte(`{"not": `)})
			if err != nil {
				return err
			}
			if taken, err := confirm.WaitContext(ctx); err != nil || !taken {
				return fmt.Errorf("the broker did not accept the unreadable message: %w", err)
			}
			s.poison = append(s.poison, id)
			if !platform.Pause(ctx, gap) {
				return ctx.Err()
			}
		}
		return nil
	})
}
