package relay

import (
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// An expired checkout is told of once, and one whose event some queue has refused is told of again.
func TestAnExpiredCheckoutIsToldOf(t *testing.T) {
	w := newEnv(t, devstacktest.Shared().RabbitMQURL())
	r := payment.CheckoutRequest{Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Reference: "order-1042"}.Normalized()
	at := time.Now().UTC().Truncate(time.Microsecond)
	c, _, err := w.database.OpenCheckout(t.Context(), payment.Checkout{
		ID: payment.NewCheckoutID("shop", t.Name()), ClientID: "shop", IdempotencyKey: t.Name(), CheckoutRequest: r, CreatedAt: at, UpdatedAt: at,
	})
	require.NoError(t, err)
	_, stop := w.relay(t, time.Minute) // declares the exchange
	hears := w.bind(t, nil, "checkout.*")
	refuses := w.bind(t, amqp.Table{"x-max-length": 1, amqp.QueueOverflowArg: amqp.QueueOverflowRejectPublish}, "checkout.*")
	require.NoError(t, refuses.channel.PublishWithContext(t.Context(), "", refuses.name, false, false, amqp.Publishing{Body: []byte("full")}))
	heard, err := hears.channel.Consume(hears.name, "", true, false, false, false, nil)
	require.NoError(t, err)
	next := func() amqp.Delivery {
		for {
			select {
			case d := <-heard:
				if d.MessageId == c.ID+":expired" { // the broker is shared
					return d
				}
			case <-time.After(timeout):
				require.FailNow(t, "no event")
			}
		}
	}
	waits := func() int {
		return w.inDatabase(t, `select count(*) from checkouts where event_due_at is not null`)
	}

	for range 2 {
		_, err = w.database.EndCheckout(t.Context(), c.ID, payment.CheckoutExpired, at.Add(time.Minute))
		require.NoError(t, err)
	}
	due := func() {
		w.inDatabase(t, `with c as (update checkouts set event_due_at = now() returning 1) select count(*) from c`)
	}
	due()
	d := next()
	require.Equal(t, "checkout.expired", d.RoutingKey)
	require.JSONEq(t, `{"id": "`+c.ID+`:expired", "type": "checkout.expired", "client_id": "shop", "at": "`+at.Add(time.Minute).Format(time.RFC3339Nano)+`",
		"data": {"amount": 1050, "checkout": {"id": "`+c.ID+`", "change": "expired", "reference": "order-1042"}}}`, string(d.Body))
	require.Eventually(t, func() bool {
		return w.inDatabase(t, `select count(*) from checkouts where event_due_at > now() + interval '40 seconds'`) == 1
	}, timeout, 10*time.Millisecond, "it is put off by the gap")

	_, err = refuses.channel.QueuePurge(refuses.name, false)
	require.NoError(t, err)
	due()
	require.Equal(t, d.Body, next().Body)
	require.Eventually(t, func() bool { return waits() == 0 }, timeout, 10*time.Millisecond)
	_, told, err := refuses.channel.Get(refuses.name, true)
	require.NoError(t, err)
	require.True(t, told)
	stop()
	require.Zero(t, waits())
}
