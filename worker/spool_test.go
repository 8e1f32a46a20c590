package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack"
	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

func TestTheSpoolWaitsForTheBrokerAndThenEmpties(t *testing.T) {
	t.Parallel()
	at, _ := newAround(t)
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	broker := stack.Process(devstack.RabbitMQ)
	require.NoError(t, broker.Stop())
	at.rabbitMQ = stack.RabbitMQURL()
	w, _ := newWorker(t, at)
	const webhooks = spoolBatch + 5 // more than one batch
	spool := func(first int) {
		for i := first; i < first+webhooks; i++ {
			at := time.Now().Add(time.Duration(i) * time.Second)
			require.NoError(t, w.Record.Spool(t.Context(), fmt.Sprint(i), "mercadopago.payment", []byte("{}"), at))
		}
	}
	spool(0)
	w.emptySpool(t.Context())
	require.Equal(t, webhooks, count(t, at, "webhook_spool"))

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.runSpool(ctx) }()
	require.NoError(t, broker.Restart(t.Context()))
	eventually(t, func() bool { return count(t, at, "webhook_spool") == 0 }, "the spool is empty")
	cancel()
	require.NoError(t, <-ended)
	spool(webhooks)
	w.emptySpool(t.Context())
	require.Zero(t, count(t, at, "webhook_spool"), "once is enough, however many batches there are")

	conn, err := amqp.Dial(at.rabbitMQ)
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	for i := range 2 * webhooks { // oldest first, and none twice
		d, ok, err := channel.Get(rabbitmq.QueueProcess, true)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), d.MessageId)
		require.Equal(t, "mercadopago.payment", d.RoutingKey)
	}
}
