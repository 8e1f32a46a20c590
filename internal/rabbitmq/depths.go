package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// QueueDepth is how many messages wait in a queue, without those that a consumer holds, and how many consumers it has.
type QueueDepth struct {
	Queue     string
	Messages  int
	Consumers int
	Err       error // why the queue does not say so: it is missing, or none of its replicas answers
}

// Depths asks for the depth of each of our queues, over a connection of its own, because the console and metrics ask seldom. A
// queue that does not answer while ctx lasts does not hide the others.
func Depths(ctx context.Context, urls []string) ([]QueueDepth, error) {
	c := newConnection(urls, "onlywave depths", slog.New(slog.DiscardHandler))
	c.onlyAsks = true
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.hangUp()
	stop := context.AfterFunc(ctx, func() { _ = conn.network.Close() })
	defer stop()
	depths := make([]QueueDepth, len(queues))
	var asking sync.WaitGroup
	for i, q := range queues {
		asking.Go(func() { depths[i] = depth(conn.Connection, q.name) })
	}
	asking.Wait()
	return depths, nil
}

// depth asks on a channel of its own, which the broker closes when there is no such queue.
func depth(conn *amqp.Connection, name string) QueueDepth {
	d := QueueDepth{Queue: name}
	channel, err := conn.Channel()
	if err != nil {
		d.Err = fmt.Errorf("open a channel to ask for the depth of queue %s: %w", name, err)
		return d
	}
	state, err := channel.QueueDeclarePassive(name, true, false, false, false, amqp.Table{})
	if err != nil {
		d.Err = fmt.Errorf("ask for the depth of queue %s: %w", name, err)
		return d
	}
	d.Messages, d.Consumers = state.Messages, state.Consumers
	return d
}
