package activities

import (
	"encoding/json"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/devstack/devstacktest"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// listen binds a queue of the test's own to the events with these keys, as another service would.
func listen(t *testing.T, keys ...string) <-chan amqp.Delivery {
	t.Helper()
	conn, err := amqp.Dial(devstacktest.Shared().RabbitMQURL())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	require.NoError(t, err)
	queue, err := channel.QueueDeclare("", false, true, true, false, nil)
	require.NoError(t, err)
	for _, key := range keys {
		require.NoError(t, channel.QueueBind(queue.Name, key, rabbitmq.ExchangeEvents, false, nil))
	}
	deliveries, err := channel.Consume(queue.Name, "", true, true, false, false, nil)
	require.NoError(t, err)
	return deliveries
}

func next(t *testing.T, deliveries <-chan amqp.Delivery) amqp.Delivery {
	t.Helper()
	select {
	case d := <-deliveries:
		return d
	case <-time.After(patience):
		require.Fail(t, "no event came")
		return amqp.Delivery{}
	}
}

func event(t *testing.T, seq int, status payment.Status) payment.Event {
	return payment.Event{
		PaymentID: creation(t).PaymentID, ClientID: "shop", Seq: seq, Status: status,
		Data: payment.EventData{Amount: 1050}, At: time.Date(2026, time.March, 1, 12, 0, seq, 0, time.UTC),
	}
}

// Listeners tell a twin by its ID, so a second run repeats the IDs, in the same order.
func TestPublishingTwiceRepeatsTheIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := New(Config{Record: w.record, Breakers: alone(t), Events: publisher(t)})
	w.opened(t)
	_, err := w.Apply(t.Context(), ApplyInput{PaymentID: creation(t).PaymentID, State: said(creation(t).PaymentID, payment.Pending, 1)})
	require.NoError(t, err)
	unheard, err := a.Open(t.Context(), creation(t))
	require.NoError(t, err)
	require.Len(t, unheard.Missed, 2, "nobody has been told of anything")
	deliveries := listen(t, "payment.first", "payment.second") // of this test only: others publish meanwhile
	events := []payment.Event{event(t, 1, "first"), event(t, 2, "second")}
	for range 2 {
		require.NoError(t, a.Publish(t.Context(), PublishInput{Events: events}))
		for _, e := range events {
			d := next(t, deliveries)
			require.Equal(t, e.ID(), d.MessageId)
			require.Equal(t, "payment."+string(e.Status), d.RoutingKey)
			require.Equal(t, "application/json", d.ContentType)
			require.True(t, e.At.Equal(d.Timestamp))
			var got struct {
				ID   string `json:"id"`
				Type string `json:"type"`
				payment.Event
			}
			require.NoError(t, json.Unmarshal(d.Body, &got))
			require.Equal(t, e, got.Event)
			require.Equal(t, e.ID(), got.ID)
			require.Equal(t, e.Type(), got.Type)
		}
		told, err := a.Open(t.Context(), creation(t))
		require.NoError(t, err)
		require.Empty(t, told.Missed, "and the record knows")
	}
	require.NoError(t, a.Publish(t.Context(), PublishInput{Events: events[:1]}), "a late twin of an earlier event")
	told, err := a.Open(t.Context(), creation(t))
	require.NoError(t, err)
	require.Empty(t, told.Missed)
}

func TestAnEventToWhichNobodyListensIsPublished(t *testing.T) {
	t.Parallel()
	a := New(Config{Record: newWorld(t).record, Breakers: alone(t), Events: publisher(t)})
	require.NoError(t, a.Publish(t.Context(), PublishInput{Events: []payment.Event{event(t, 1, "unheard_of")}}))
}

func TestWithoutABrokerAnEventIsTriedAgain(t *testing.T) {
	t.Parallel()
	away := rabbitmq.NewPublisher([]string{"amqp://guest:guest@" + nobody + "/"}, silent)
	t.Cleanup(func() { require.NoError(t, away.Close()) })
	err := New(Config{Breakers: alone(t), Events: away}).Publish(t.Context(), PublishInput{Events: []payment.Event{event(t, 1, payment.Processing)}})
	requireVerdict(t, err, payment.Unavailable, true)
}

// Other services hear of all that happened, also when no e-mail can be begun.
func TestAnEmailThatCannotBeBegunHoldsUpNoEvent(t *testing.T) {
	t.Parallel()
	m := newMailing(t)
	m.events = publisher(t)
	m.opened(t)
	m.starting = &payment.Error{Kind: payment.Unavailable, Message: "away"}
	deliveries := listen(t, "payment.settled")
	in := PublishInput{Events: []payment.Event{event(t, 1, payment.Pending), event(t, 2, "settled")}, Email: true}
	requireVerdict(t, m.Publish(t.Context(), in), payment.Unavailable, true)
	require.Equal(t, in.Events[1].ID(), next(t, deliveries).MessageId)
}
