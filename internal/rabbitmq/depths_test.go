package rabbitmq

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/metrics/metricstest"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// The messages that wait in each queue are counted, also where the broker reports no depth.
func TestTheDepthsOfAllQueuesAreKnown(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	p := NewPublisher([]string{stack.RabbitMQURL()}, silent)
	defer func() { _ = p.Close() }()
	require.Eventually(t, func() bool { return p.Ready() == nil }, 45*time.Second, 10*time.Millisecond) // or it may go to one queue first
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "m", Key: "mercadopago.payment", Body: []byte("{}")}))
	require.Eventually(t, func() bool { // a quorum queue reports its depth a little later
		depths, err := Depths(t.Context(), []string{stack.RabbitMQURL()})
		require.NoError(t, err)
		waiting, names := map[string]int{}, []string{}
		for _, d := range depths {
			names = append(names, d.Queue)
			waiting[d.Queue] = d.Messages
			require.Zero(t, d.Consumers)
			require.NoError(t, d.Err)
		}
		require.Equal(t, QueueNames(), names)
		return waiting[QueueProcess] >= 1 && waiting[QueueArchive] >= 1 && waiting[QueueDeadLetters] == 0
	}, 45*time.Second, 100*time.Millisecond)

	// A missing queue does not hide the others, neither in Depths nor in the metrics.
	conn, err := amqp.Dial(stack.RabbitMQURL())
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	require.NoError(t, p.Close()) // which would make the queue again
	_, err = channel.QueueDelete(QueueArchive, false, false, false)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		depths, err := Depths(t.Context(), []string{stack.RabbitMQURL()})
		require.NoError(t, err)
		gone := slices.IndexFunc(depths, func(d QueueDepth) bool { return d.Queue == QueueArchive && d.Err != nil })
		for i, d := range depths {
			require.True(t, i == gone || d.Err == nil || d.Queue == QueueArchive, d.Queue)
		}
		return gone >= 0
	}, 45*time.Second, 100*time.Millisecond)
	shown := NewQueues([]string{stack.RabbitMQURL()}, silent)
	var text string
	require.Eventually(t, func() bool {
		text = metricstest.Text(t, shown)
		return strings.Contains(text, "onlywave_queue_up")
	}, 45*time.Second, 100*time.Millisecond)
	require.Contains(t, text, `onlywave_queue_up{queue="onlywave.webhooks.archive"} 0`)
	require.NotContains(t, text, `onlywave_queue_messages{queue="onlywave.webhooks.archive"}`)
	require.Contains(t, text, `onlywave_queue_up{queue="onlywave.webhooks.process"} 1`)
	require.Contains(t, text, `onlywave_queue_messages{queue="onlywave.webhooks.process"} 1`)
	require.Contains(t, text, `onlywave_queue_consumers{queue="onlywave.webhooks.process"} 0`)

	require.NoError(t, stack.Process(devstack.RabbitMQ).Pause())
	defer func() { require.NoError(t, stack.Process(devstack.RabbitMQ).Resume()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = Depths(ctx, []string{stack.RabbitMQURL()})
	require.Error(t, err)
}
