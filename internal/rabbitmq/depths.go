package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"
)

// QueueDepth is how many messages wait in a queue, without those that a consumer holds, and how many consumers it has.
type QueueDepth struct {
	Queue     string
	Messages  int
	Consumers int
}

// Depths asks for the depth of each of our queues, over a connection that is closed again: for people, who ask seldom.
func Depths(ctx context.Context, urls []string) ([]QueueDepth, error) {
	conn, err := newConnection(urls, "onlywave depths", slog.New(slog.DiscardHandler)).connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.hangUp()
	stop := context.AfterFunc(ctx, func() { _ = conn.socket.Close() })
	defer stop()
	channel, err := conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel for the depths: %w", err)
	}
	var depths []QueueDepth
	for _, q := range queues {
		state, err := channel.QueueDeclarePassive(q.name, true, false, false, false, amqp.Table{})
		if err != nil {
			return nil, fmt.Errorf("ask for the depth of queue %s: %w", q.name, err)
		}
		depths = append(depths, QueueDepth{Queue: q.name, Messages: state.Messages, Consumers: state.Consumers})
	}
	return depths, nil
}
