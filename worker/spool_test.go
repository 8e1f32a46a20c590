package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestTheSpoolWaitsForTheBrokerAndThenEmpties(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	stack := devstacktest.Start(t, devstack.RabbitMQ)
	broker := stack.Process(devstack.RabbitMQ)
	require.NoError(t, broker.Stop())
	at.rabbitMQ = stack.RabbitMQURL()
	w, _ := newWorker(t, at)
	const webhooks = spoolBatch + 5 // more than one batch
	spool := func(first int) {
		for i := first; i < first+webhooks; i++ {
			at := time.Now().Add(time.Duration(i) * time.Second)
			require.NoError(t, w.Database.Spool(t.Context(), fmt.Sprint(i), "mercadopago.payment", []byte("{}"), at))
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
		require.Equal(t, "mercadopago.payment", d.Headers[rabbitmq.HeaderKey])
	}
}

// While the broker is unavailable a payment is signalled of its webhook at once, and once; the webhook waits for the broker all the
// same.
func TestPaymentsAreSignalledOfSpooledWebhooksWhileTheBrokerIsUnavailable(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	at.rabbitMQ = unavailable.rabbitMQ
	w, _ := newWorker(t, at)
	news := notification(t, "news")
	open(t, w, news.PaymentID)
	for id, body := range map[string][]byte{news.ID: encode(t, news), "unreadable": []byte("{")} {
		require.NoError(t, w.Database.Spool(t.Context(), id, rabbitmq.KeyPayment, body, time.Now()))
	}
	require.NoError(t, w.Database.Spool(t.Context(), "unknown topic", "mercadopago.claim", []byte("{}"), time.Now()))
	signalled, err := w.signalSpooled(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, signalled, "what is at fault itself is left to the queue")
	require.True(t, w.signalled(t, news.PaymentID))
	require.Equal(t, 3, count(t, at, "webhook_spool"))
	signalled, err = w.signalSpooled(t.Context())
	require.NoError(t, err)
	require.Zero(t, signalled)

	at.temporal = unreachable
	cut, _ := newWorker(t, at)
	late := notification(t, "late")
	open(t, w, late.PaymentID)
	require.NoError(t, w.Database.Spool(t.Context(), late.ID, rabbitmq.KeyPayment, encode(t, late), time.Now()))
	_, err = cut.signalSpooled(t.Context())
	require.Error(t, err)
	w.emptySpool(t.Context())
	require.True(t, w.signalled(t, late.PaymentID), "it is tried again")
}
