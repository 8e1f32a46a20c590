package activities

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// deadLettersOf takes the dead letters of one payment from their queue.
func deadLettersOf(t *testing.T, paymentID string) func() amqp.Delivery {
	t.Helper()
	conn, err := amqp.Dial(devstacktest.Shared().RabbitMQURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	require.NoError(t, err)
	return func() (d amqp.Delivery) {
		require.Eventually(t, func() bool {
			got, ok, err := channel.Get(rabbitmq.QueueDeadLetters, true)
			d = got
			return err == nil && ok && d.Headers[HeaderPaymentID] == paymentID
		}, timeout, 10*time.Millisecond)
		return d
	}
}

func TestADeadLetterPublishedTwiceIsOne(t *testing.T) {
	t.Parallel()
	a := New(Config{Breakers: ownBreakers(t), Publisher: publisher(t)})
	id := creation(t).PaymentID
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	in := DeadLetterInput{
		PaymentID: id, WorkflowID: "payment/" + id, RunID: "run", Cause: deadletter.CauseContradiction, Error: "it contradicts", At: at,
		Trail: []deadletter.Attempt{{Attempt: 1, At: at, Error: "no"}},
	}
	take := deadLettersOf(t, id)
	for range 2 {
		require.NoError(t, a.DeadLetter(t.Context(), in))
		d := take()
		require.Equal(t, deadletter.RunMessageID("payment/"+id, "run", deadletter.CauseContradiction), d.MessageId)
		require.Equal(t, "workflow.contradiction", d.RoutingKey)
		require.EqualValues(t, amqp.Persistent, d.DeliveryMode)
		delete(d.Headers, "x-delivery-count") // the broker's
		require.Equal(t, amqp.Table{
			rabbitmq.HeaderCause: "contradiction", rabbitmq.HeaderError: "it contradicts", rabbitmq.HeaderTime: "2026-03-01T12:00:00Z",
			HeaderPaymentID: id, HeaderWorkflowID: "payment/" + id, HeaderRunID: "run",
			rabbitmq.HeaderTrail: `[{"attempt":1,"at":"2026-03-01T12:00:00Z","error":"no"}]`,
		}, d.Headers)
	}
}

func TestWithoutABrokerADeadLetterIsTriedAgain(t *testing.T) {
	t.Parallel()
	unreached := rabbitmq.NewPublisher([]string{"amqp://guest:guest@" + unreachable + "/"}, silent)
	t.Cleanup(func() { require.NoError(t, unreached.Close()) })
	err := New(Config{Breakers: ownBreakers(t), Publisher: unreached}).DeadLetter(t.Context(), DeadLetterInput{Cause: deadletter.CauseInternal})
	requireActivityError(t, err, failure.Unavailable, true)
}
