package activities

import (
	"context"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
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
	case <-time.After(timeout):
		require.Fail(t, "no event came")
		return amqp.Delivery{}
	}
}

// fakeRelay stands in for the relay. It remembers the events.
type fakeRelay struct {
	mu    sync.Mutex
	taken []payment.Event
	sinks [][]postgres.Sink
}

func (r *fakeRelay) Take(_ context.Context, event payment.Event, sinks []postgres.Sink, _ time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken, r.sinks = append(r.taken, event), append(r.sinks, sinks)
}

// Each activity that changes a payment gives the event to the relay once, also when the activity runs again.
func TestEachChangeIsPublishedOnce(t *testing.T) {
	t.Parallel()
	w, relay := newEnv(t), &fakeRelay{}
	w.relay = relay
	in := asked(t)
	twice := func(do func() error) {
		t.Helper()
		require.NoError(t, do())
		require.NoError(t, do())
	}
	twice(func() error { _, err := w.Open(t.Context(), in); return err })
	twice(func() error {
		_, err := w.Park(t.Context(), GiveUpInput{PaymentID: in.PaymentID, Why: "silence"})
		return err
	})
	twice(func() error {
		_, err := w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: said(in.PaymentID, payment.Pending, 1)})
		return err
	})
	events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, events, relay.taken)
	require.Equal(t, [][]postgres.Sink{{postgres.ToSubscribers}, nil, {postgres.ToBuyer}}, relay.sinks, "the row of the first event is still in hand")
}

// A run from before the outbox has kept its events. Two calls of Publish put them into the outbox once.
func TestARunFromBeforeTheOutboxHasItsEventsPublished(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), asked(t)
	id := in.PaymentID
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: said(id, payment.Pending, 1)})
	require.NoError(t, err)
	for _, sink := range []postgres.Sink{postgres.ToSubscribers, postgres.ToBuyer} { // as if the activities were of before it, too
		_, err := w.database.KeepDelivered(t.Context(), sink, []postgres.Delivered{{PaymentID: id, Seq: 2}}, time.Minute)
		require.NoError(t, err)
	}
	events, err := w.database.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	taken := func(sink postgres.Sink) []postgres.Undelivered {
		found, err := w.database.TakeUndelivered(t.Context(), sink, 10)
		require.NoError(t, err)
		return found
	}
	for range 2 {
		require.NoError(t, w.Publish(t.Context(), PublishInput{Events: events, Email: true}))
	}
	require.Empty(t, taken(postgres.ToSubscribers), "they were published")
	require.Equal(t, []postgres.Undelivered{{PaymentID: id, Events: events, Version: 2}}, taken(postgres.ToBuyer), "an e-mail is begun once, however often")
	require.NoError(t, w.Publish(t.Context(), PublishInput{}))
}
