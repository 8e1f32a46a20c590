package rabbitmq

import (
	"context"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// The power fails as soon as the queues exist. RabbitMQ 3.10 once forgot the newest of them so, and nothing showed it.
func TestABrokerThatIsKilledAtOnceKeepsEveryQueue(t *testing.T) {
	t.Parallel()
	s, err := devstack.Start(t.Context(), devstack.Options{Services: []devstack.Service{devstack.RabbitMQ}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	conn, err := newConnection([]string{s.RabbitMQURL()}, "first", silent).connect(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Process(devstack.RabbitMQ).Kill())
	conn.hangUp()
	require.NoError(t, s.Process(devstack.RabbitMQ).Restart(t.Context()))
	for _, q := range queues {
		again, err := amqp.Dial(s.RabbitMQURL()) // a queue without a leader stops the whole connection
		require.NoError(t, err)
		channel, err := again.Channel()
		require.NoError(t, err)
		require.NoError(t, channel.Confirm(false))
		confirm, err := channel.PublishWithDeferredConfirm(exchangeDefault, q.name, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent})
		require.NoError(t, err)
		taken, err := confirm.WaitContext(within(t, 10*time.Second))
		require.NoError(t, err, q.name)
		require.True(t, taken, q.name)
		require.NoError(t, again.Close())
	}
}

// A consumer of a queue without a leader gets neither a message nor an error. Ready must report it.
func TestAConsumerSaysThatItsQueueHasNoLeader(t *testing.T) {
	connect(t)
	suspend(t, QueueArchive)
	t.Cleanup(func() { resume(t, QueueArchive) })
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueArchive, 1, silent)
	require.NoError(t, c.Ready(), "it does not run yet")
	stop := running(t, func(ctx context.Context) error {
		return c.RunBatches(ctx, 1, time.Millisecond, func(context.Context, []Delivery) error { return nil })
	})
	reported := func() bool { err := c.Ready(); return err != nil && strings.Contains(err.Error(), "no leader") }
	require.Eventually(t, reported, testTimeout, 10*time.Millisecond)
	require.ErrorContains(t, c.Ready(), QueueArchive)
	resume(t, QueueArchive)
	require.Eventually(t, func() bool { return c.Ready() == nil }, testTimeout, 10*time.Millisecond)
	stop()
}
