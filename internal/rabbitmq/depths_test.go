package rabbitmq

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
)

// What waits in each queue is counted, also where the broker says nothing.
func TestTheDepthsOfAllQueuesAreKnown(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	p := NewPublisher([]string{stack.RabbitMQURL()}, silent)
	defer p.Close()
	require.Eventually(t, func() bool {
		return p.Publish(t.Context(), ExchangeWebhooks, Message{ID: "m", Key: "mercadopago.payment", Body: []byte("{}")}) == nil
	}, 45*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool { // a quorum queue tells its depth a moment later
		depths, err := Depths(t.Context(), []string{stack.RabbitMQURL()})
		require.NoError(t, err)
		waiting, names := map[string]int{}, []string{}
		for _, d := range depths {
			names = append(names, d.Queue)
			waiting[d.Queue] = d.Messages
			require.Zero(t, d.Consumers)
		}
		require.Equal(t, QueueNames(), names)
		return waiting[QueueProcess] >= 1 && waiting[QueueArchive] >= 1 && waiting[QueueDeadLetters] == 0
	}, 45*time.Second, 100*time.Millisecond)

	require.NoError(t, stack.Process(devstack.RabbitMQ).Pause())
	defer func() { require.NoError(t, stack.Process(devstack.RabbitMQ).Resume()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := Depths(ctx, []string{stack.RabbitMQURL()})
	require.Error(t, err)
}
