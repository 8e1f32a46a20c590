package rabbitmq

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

func TestMessageAtFaultBecomesDeadLetter(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	m := payment("bad")
	m.Headers = map[string]any{"x-request-id": "abc", "x-death": "not the broker's"}
	m.Body = []byte("{")
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, m))
	began := time.Now().Add(-time.Second)
	stop := start(t, func(context.Context, Delivery) error { return DeadLetter("unparsable", errors.New("unexpected end")) })

	deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters))
	stop()
	require.Zero(t, waiting(t, QueueProcess))
	require.Equal(t, "bad", deadLetter.ID)
	require.Equal(t, "webhook.unparsable", deadLetter.Key)
	require.Equal(t, "{", string(deadLetter.Body))
	require.Equal(t, "unparsable", deadLetter.Headers[HeaderCause])
	require.Equal(t, "unexpected end", deadLetter.Headers[HeaderError])
	require.Equal(t, ExchangeWebhooks, deadLetter.Headers[HeaderExchange])
	require.Equal(t, "mercadopago.payment", deadLetter.Headers[HeaderKey])
	require.Equal(t, "abc", deadLetter.Headers["x-request-id"])
	require.NotContains(t, deadLetter.Headers, "x-death")
	at, err := time.Parse(time.RFC3339, deadLetter.Headers[HeaderTime].(string))
	require.NoError(t, err)
	require.WithinRange(t, at, began, time.Now())
}

func TestPanicBecomesDeadLetterWithoutItsValue(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	publish(t, p, 2)
	var none []int
	start(t, func(_ context.Context, d Delivery) error {
		if d.ID == "0" {
			panic("joana@example.com has no document")
		}
		return errors.New(strconv.Itoa(none[1]))
	})
	texts := map[string]any{}
	for range 2 {
		deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters))
		require.Equal(t, "webhook.handler-panic", deadLetter.Key)
		texts[deadLetter.ID] = deadLetter.Headers[HeaderError]
	}
	require.Equal(t, map[string]any{
		"0": "panic with a string",
		"1": "runtime error: index out of range [1] with length 0",
	}, texts)
}

func TestDeadLetterOfForeignMessageHasAnID(t *testing.T) {
	t.Parallel()
	unparsable := &fault{cause: "unparsable", err: errors.New(strings.Repeat("é", maxErrorText)), final: true}
	foreign := Delivery{Message: Message{Body: []byte("hello")}}
	deadLetter := unparsable.deadLetter(foreign, QueueProcess, time.Now())
	require.NoError(t, deadLetter.check())
	require.Equal(t, deadLetter.ID, unparsable.deadLetter(foreign, QueueProcess, time.Now()).ID, "the same each time it comes")
	require.Equal(t, strings.Repeat("é", maxErrorText/2), deadLetter.Headers[HeaderError])
	require.Equal(t, strings.Repeat("é", maxTrailText/2), Trail(deadLetter.Headers)[0].Error)
}

// The trail has the attempts of the consumers since the message was last published.
func TestTrailBeginsAnewWithEachPublish(t *testing.T) {
	t.Parallel()
	f := &fault{cause: "unparsable", err: errors.New("not JSON")}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("BRT", -3*60*60))
	published := amqp.Delivery{MessageId: "1", Exchange: ExchangeWebhooks, RoutingKey: "mercadopago.payment"}
	for failures := range 14 {
		d := newDelivery(published)
		require.Equal(t, failures, d.Failures)
		require.Equal(t, ExchangeWebhooks, d.Exchange)
		require.Equal(t, "mercadopago.payment", d.Key)
		next := f.postponed(d, 1500*time.Millisecond, at)
		require.NoError(t, next.check())
		require.Equal(t, "1500", next.publishing().Expiration)
		trail := Trail(next.Headers)
		require.Len(t, trail, min(failures+1, maxTrail))
		require.Equal(t, Attempt{failures + 1, at.UTC(), "not JSON"}, trail[len(trail)-1])
		published = amqp.Delivery{MessageId: "1", Exchange: exchangeDefault, RoutingKey: QueueProcess, Headers: next.Headers}
	}

	deadLetter := f.deadLetter(newDelivery(published), QueueProcess, at)
	require.Equal(t, int32(15), deadLetter.Headers[HeaderAttempt])
	require.Empty(t, deadLetter.publishing().Expiration)
	sentAgain := newDelivery(amqp.Delivery{Exchange: ExchangeWebhooks, RoutingKey: "mercadopago.payment", Headers: deadLetter.Headers})
	require.Zero(t, sentAgain.Failures)
	require.Len(t, Trail(f.postponed(sentAgain, 1, at).Headers), 1)
	require.Empty(t, Trail(map[string]any{HeaderTrail: "no JSON"}))
	require.Empty(t, Trail(nil))
}

// After its timeout a handler's error is a timeout, whatever kind of error it returns.
func TestNothingIsHeldAgainstMessageAfterItsTime(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{Fault("internal", context.Canceled), DeadLetter("internal", context.Canceled), context.Canceled} {
		in := &intake{inHand: over, handle: func(context.Context, []Delivery) error { return err }}
		got := in.call([]unacked{{}})
		require.ErrorIs(t, got, context.Canceled)
		_, guilty := errors.AsType[*fault](got)
		require.False(t, guilty)
	}
}

// When the handler of dead letters panics, the dead letter stays in its queue, and its headers are not overwritten.
func TestDeadLetterIsNotDeadLetteredAgain(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	require.NoError(t, p.Publish(t.Context(), ExchangeDeadLetters, Message{ID: "1", Key: "webhook.unparsable"}))
	attempts := make(chan Delivery, 10)
	c := NewConsumer([]string{stack.RabbitMQURL()}, QueueDeadLetters, 32, silent)
	stop := running(t, func(ctx context.Context) error {
		return c.RunBatches(ctx, 32, time.Millisecond, func(_ context.Context, batch []Delivery) error {
			attempts <- batch[0]
			panic("a bug")
		})
	})
	for range 2 {
		require.Equal(t, "webhook.unparsable", (<-attempts).Key)
	}
	stop()
	deadLetter := fetch(t, channel, QueueDeadLetters)
	require.Equal(t, "webhook.unparsable", deadLetter.RoutingKey)
	require.NotContains(t, deadLetter.Headers, HeaderCause)
}
