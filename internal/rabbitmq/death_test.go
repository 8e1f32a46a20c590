package rabbitmq

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADeadLetterSaysHowItDied(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	m := payment("bad")
	m.Headers = map[string]any{HeaderDeaths: int64(2)}
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, m))
	began := time.Now().Add(-time.Second)
	start(t, func(context.Context, Delivery) error { return DeadLetter("unparsable", errors.New("unexpected end")) })
	deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters)).Death()
	require.WithinRange(t, deadLetter.At, began, time.Now())
	deadLetter.At = time.Time{}
	require.Len(t, deadLetter.Trail, 1)
	deadLetter.Trail = nil
	require.Equal(t, Death{
		Source: "webhook", Cause: "unparsable", Error: "unexpected end", Queue: QueueProcess,
		Exchange: ExchangeWebhooks, Key: "mercadopago.payment", Deaths: 3,
	}, deadLetter)
}

// The broker writes where a message came from in its own headers, and does not change ours.
func TestADeadLetterOfTheBrokersSaysHowItDied(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	m := payment("killer")
	m.Headers = map[string]any{HeaderDeaths: int64(1)}
	began := time.Now().Add(-2 * time.Second) // the broker reports whole seconds
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, m))
	for range deliveryLimit + 1 {
		require.NoError(t, fetch(t, channel, QueueProcess).Nack(false, true))
	}
	deadLetter := newDelivery(fetch(t, channel, QueueDeadLetters)).Death()
	require.WithinRange(t, deadLetter.At, began, time.Now().Add(time.Second))
	deadLetter.At = time.Time{}
	require.Equal(t, Death{
		Source: "webhook", Cause: CauseDeliveryLimit, Queue: QueueProcess,
		Exchange: ExchangeWebhooks, Key: "mercadopago.payment", Deaths: 2,
	}, deadLetter)
}

func TestADeadLetterMayHaveNoHeaders(t *testing.T) {
	t.Parallel()
	require.Equal(t, Death{Deaths: 1}, Delivery{}.Death())
	require.Equal(t, Death{Source: "x", Deaths: 1}, Delivery{Message: Message{Key: "x", Headers: map[string]any{
		HeaderCause: 7, HeaderTime: "yesterday", HeaderDeaths: int64(-1), "x-death": []any{nil, "x"},
	}}}.Death())
}
