package activities

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestAnOrphanPaymentIsReportedOnce(t *testing.T) {
	t.Parallel()
	w, _ := reconcilingEnv(t)
	w.events = publisher(t)
	conn, err := amqp.Dial(devstacktest.Shared().RabbitMQURL())
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(queue.Name, "reconciliation.*", rabbitmq.ExchangeEvents, false, nil))
	messages, err := channel.Consume(queue.Name, "", true, true, false, false, nil)
	require.NoError(t, err)

	orphan := w.foreign(t, payment.NewID("shop", "never opened"), "key", money)
	w.payments(t, 1)
	w.reconcile(t, "a") // a missed notification too, which is no matter for alarm
	alerted, err := w.AlertFindings(t.Context())
	require.NoError(t, err)
	require.Len(t, alerted, 1)
	require.Equal(t, payment.OrphanPayment, alerted[0].Kind)
	w.reconcile(t, "b")
	alerted, err = w.AlertFindings(t.Context())
	require.NoError(t, err)
	require.Empty(t, alerted)

	m, news := eventOf(t, messages, orphan.PaymentID)
	require.Equal(t, "reconciliation.orphan_payment", m.RoutingKey)
	require.Equal(t, m.MessageId, news["id"])
	require.Equal(t, "reconciliation.orphan_payment", news["type"])
	require.False(t, strings.Contains(string(m.Body), "ana@"))
	for len(messages) > 0 {
		require.NotContains(t, string((<-messages).Body), orphan.PaymentID)
	}
}

// eventOf waits for the event about one provider payment. Other tests publish to the same exchange meanwhile.
func eventOf(t *testing.T, messages <-chan amqp.Delivery, providerID string) (amqp.Delivery, map[string]any) {
	t.Helper()
	late := time.After(timeout)
	for {
		select {
		case m := <-messages:
			var news map[string]any
			require.NoError(t, json.Unmarshal(m.Body, &news))
			if news["provider_payment_id"] == providerID {
				return m, news
			}
		case <-late:
			require.Fail(t, "no event")
		}
	}
}

func TestWhatCouldNotBeReportedIsReportedLater(t *testing.T) {
	t.Parallel()
	w, _ := reconcilingEnv(t)
	w.events = rabbitmq.NewPublisher([]string{"amqp://guest:guest@" + unreachable + "/"}, silent)
	t.Cleanup(func() { _ = w.events.Close() })
	w.foreign(t, payment.NewID("shop", "never opened"), "key", money)
	w.reconcile(t, "a")
	_, err := w.AlertFindings(t.Context())
	requireActivityError(t, err, failure.Unavailable, true)
	w.events = publisher(t)
	alerted, err := w.AlertFindings(t.Context())
	require.NoError(t, err)
	require.Len(t, alerted, 1)
}

// The full queue of one subscriber costs the others no twins of a finding. Not parallel: others count what comes.
func TestAFindingThatOneQueueRefusesIsPublishedOnce(t *testing.T) {
	w, _ := reconcilingEnv(t)
	w.events = publisher(t)
	conn, err := amqp.Dial(devstacktest.Shared().RabbitMQURL())
	require.NoError(t, err)
	defer conn.Close()
	channel, err := conn.Channel()
	require.NoError(t, err)
	full, err := channel.QueueDeclare("", false, true, true, false, amqp.Table{"x-max-length": 0, amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish})
	require.NoError(t, err)
	require.NoError(t, channel.QueueBind(full.Name, "reconciliation.orphan_payment", rabbitmq.ExchangeEvents, false, nil))
	state := w.foreign(t, payment.NewID("shop", "never opened"), "key", money)
	w.reconcile(t, "a")
	received := listen(t, "reconciliation.orphan_payment")
	for range 2 {
		_, err := w.AlertFindings(t.Context())
		require.NoError(t, err)
	}
	require.Contains(t, string(next(t, received).Body), `"provider_payment_id":"`+state.PaymentID+`"`)
	found, err := w.AlertFindings(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	require.Empty(t, received)
}
