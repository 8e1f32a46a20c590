package worker

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/test/simulator"
)

// webhookDeadLetters are dead letters of webhooks, and not of the workflows that other tests have left in the shared Temporal.
const webhookDeadLetters = "dead_letters where source = 'webhook'"

// There are more webhooks than places, about payments that Mercado Pago does not show us: each is its own fault, and our own
// payments are signalled meanwhile. Not parallel: it takes what is in the shared queues.
func TestWebhooksOfForeignPaymentsHoldUpNoOther(t *testing.T) {
	for name, fault := range map[string]struct {
		of    simulator.Fault
		cause deadletter.Cause
	}{
		"refused":      {simulator.Fault{Kind: simulator.KindError, Status: http.StatusForbidden}, "refused"},
		"unauthorized": {simulator.Fault{Kind: simulator.KindError, Status: http.StatusUnauthorized}, "refused"},
		"unreadable":   {simulator.Fault{Kind: simulator.KindHTML, Status: http.StatusOK}, deadletter.CauseInternal},
		"failing":      {simulator.Fault{Kind: simulator.KindError, Status: http.StatusInternalServerError}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			at, provider := newEnv(t)
			w, logged := newWorker(t, at)
			fault.of.On = simulator.Get
			provider.AddFault(fault.of)
			eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
			emptied(t, at)
			const foreign = webhooksInHand + 8
			for i := range foreign {
				n := notification(t, fmt.Sprint(i))
				n.PaymentID, n.ResourceID = "", fmt.Sprint(77000000000+i)
				require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{
					ID: n.ID, Key: "mercadopago.payment", Body: encode(t, n),
				}))
			}
			own := notification(t, "own")
			open(t, w, own.PaymentID)
			require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{
				ID: own.ID, Key: "mercadopago.payment", Body: encode(t, own),
			}))
			stop := run(t, w)
			defer stop()
			eventually(t, func() bool { return w.signalled(t, own.PaymentID) }, "our own payment is signalled")
			if fault.cause == "" { // each waits until Mercado Pago says something: that it does not know them
				provider.SetFaults(nil)
				eventually(t, func() bool { return logged.count("webhook of an unknown payment") == foreign }, "they are left")
				require.Zero(t, count(t, at, webhookDeadLetters))
				return
			}
			eventually(t, func() bool { return count(t, at, webhookDeadLetters) == foreign }, "the foreign payments' are dead letters")
			all, err := w.Database.DeadLetters(t.Context(), deadletter.Filter{Source: deadletter.FromWebhook, Limit: foreign})
			require.NoError(t, err)
			for _, l := range all {
				require.Equal(t, fault.cause, l.Cause)
			}
		})
	}
}

// Every kind of answer about a foreign payment has its decision. A new kind needs to be decided here.
func TestWhoseFaultAnUnidentifiedPaymentIs(t *testing.T) {
	t.Parallel()
	words := map[failure.Kind]string{
		failure.Invalid: "message's fault, invalid", failure.NotFound: "message's fault, invalid", failure.Conflict: "message's fault, invalid",
		failure.Forbidden: "message's fault, refused", failure.Internal: "message's fault, internal",
		failure.Unauthorized: "postponed", failure.Limited: "postponed", failure.Unavailable: "postponed",
	}
	require.Len(t, words, len(failure.Kinds()))
	now, old := notification(t, "now"), notification(t, "old")
	old.ReceivedAt = time.Now().Add(-25 * time.Hour)
	for _, kind := range failure.Kinds() {
		failure := &failure.Error{Kind: kind, Message: "x"}
		want := words[kind] + ": identify the provider's payment " + now.ResourceID + ": x"
		require.EqualError(t, unidentified(now, failure), want)
		if words[kind] == "postponed" {
			want = "dead letter, dependency-unavailable: identify the provider's payment " + now.ResourceID + ": x"
		}
		require.EqualError(t, unidentified(old, failure), want, "in the end an operator must know")
	}
}

// Another seller's notifications may come to our address, under the same application. The provider would not show us the payment, so it
// is not asked; a payment that we know looks all the same, since nobody signs whose account it is.
func TestAWebhookOfAnotherSellersAccountIsLeft(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	w, logged := newWorker(t, at)
	account, err := w.Provider.Account(t.Context())
	require.NoError(t, err)
	asked := len(provider.Requests())
	foreign := notification(t, "foreign")
	own := foreign
	foreign.PaymentID, foreign.Body = "", []byte(`{"action":"payment.updated","data":{"id":"106400160592"},"type":"payment","user_id":424242}`)
	require.NoError(t, w.webhook(t.Context(), delivery(t, foreign)))
	require.Equal(t, 1, logged.count("not ours"), "it is told once")
	require.Len(t, provider.Requests(), asked)

	own.Body = foreign.Body
	open(t, w, own.PaymentID)
	require.NoError(t, w.webhook(t.Context(), delivery(t, own)))
	require.True(t, w.signalled(t, own.PaymentID))

	for _, body := range []string{`{"user_id":` + account.ID + `}`, `{"user_id":"` + account.ID + `"}`, `{"user_id":null}`, `{"user_id":"x"}`, ``} {
		foreign.Body = []byte(body)
		require.ErrorContains(t, w.webhook(t.Context(), delivery(t, foreign)), "message's fault, invalid", "%s: the provider was asked", body)
	}
}

// Half of the places are for webhooks that need nothing of the provider.
func TestOnlySomeWebhooksWaitForTheProvider(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	n := notification(t, "")
	n.PaymentID = ""
	w.identifying.Store(identifiedAtOnce)
	err := w.webhook(t.Context(), delivery(t, n))
	require.ErrorContains(t, err, "postponed: enough webhooks wait")
	require.EqualValues(t, identifiedAtOnce, w.identifying.Load())
	w.identifying.Store(0)
	require.ErrorContains(t, w.webhook(t.Context(), delivery(t, n)), "message's fault, invalid", "the provider was asked")
	require.Zero(t, w.identifying.Load())
}
