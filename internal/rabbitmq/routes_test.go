package rabbitmq

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A webhook goes to each queue by itself: changed bindings make no difference.
func TestALostBindingLosesNoWebhook(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	require.NoError(t, channel.QueueUnbind(QueueProcess, "mercadopago.payment", ExchangeWebhooks, nil))
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("1")))
	require.NoError(t, channel.QueueUnbind(QueueArchive, "mercadopago.#", ExchangeWebhooks, nil))
	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("2")))
	require.Equal(t, 2, waiting(t, QueueProcess))
	require.Equal(t, 2, waiting(t, QueueArchive))
}

// One queue is missing. Publish fails, although the other queue has the message.
func TestADeletedQueueIsNoticedByTheNextWebhook(t *testing.T) {
	p := connect(t)
	_, channel := dial(t)
	for _, deleted := range []string{QueueProcess, QueueArchive} {
		_, err := channel.QueueDelete(deleted, false, false, false)
		require.NoError(t, err)
		require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, payment("lost")), ErrUnroutable, deleted)
		other := Message{ID: "other", Key: "mercadopago.mp-connect"}
		if deleted == QueueProcess {
			require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, other), "a topic that is not processed does not need it")
		} else {
			require.ErrorIs(t, p.Publish(t.Context(), ExchangeWebhooks, other), ErrUnroutable)
		}
		newPublisherThat(t, timing{time.Hour, replaceAfter, stallTime, reconnectMax}) // declares the topology
		require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("kept")))
	}
}

// The routes are the bindings that the topology has, of which there are two forms only.
func TestRoutesFollowTheBindings(t *testing.T) {
	t.Parallel()
	for key, want := range map[string][]string{
		"mercadopago.payment":             {QueueProcess, QueueArchive},
		"mercadopago.stop_delivery_op_wh": {QueueProcess, QueueArchive},
		"mercadopago.merchant_order":      {QueueProcess, QueueArchive},
		"mercadopago.payments":            {QueueArchive},
		"mercadopago.topic_of_tomorrow":   {QueueArchive},
		"mercadopago":                     {QueueArchive},
		"mercadopagos.payment":            nil,
		"stripe.payment":                  nil,
		"mercadopago.payment.and.further": {QueueArchive},
	} {
		var got []string
		for _, r := range routes(ExchangeWebhooks, Message{Key: key}) {
			require.Equal(t, r.destination, r.message.Key)
			got = append(got, r.destination)
		}
		require.Equal(t, want, got, key)
	}
	for _, q := range queues {
		for _, b := range q.bindings {
			if b.exchange == ExchangeWebhooks {
				require.Regexp(t, `^[a-z_]+(\.[a-z_]+)*(\.#)?$`, b.key, "bound knows no other pattern")
			}
		}
	}
}
