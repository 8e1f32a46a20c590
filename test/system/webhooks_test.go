package system

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/simulator"
)

// However the notifications come, the payment is approved, and once.
func TestWebhooksInAnyOrderAndNumber(t *testing.T) {
	t.Parallel()
	rows := map[string]simulator.Fault{
		"before the POST has returned": {Kind: simulator.KindEarly, Times: 1},
		"each a hundred times":         {Kind: simulator.KindDoubled, Count: 100},
		"updated before created":       {Kind: simulator.KindReordered, Times: 1},
		"late":                         {Kind: simulator.KindLate, Delay: 2 * time.Second},
		"with another id in the body":  {Kind: simulator.KindWrongID},
	}
	for name, fault := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, id := key(t)
			fault.On, fault.ExternalReference = simulator.Webhook, id
			arm(t, fault)
			p := create(t, key)
			require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
			awaitApproved(t, id)
			require.Equal(t, 1, charges(t, id))
		})
	}
}

func TestALostWebhookIsMadeUpForByAPoll(t *testing.T) {
	shop, err := shared.AddAPI(within(t), map[string]string{"POLL_FIRST": "1s", "POLL_MAX": "2s"})
	require.NoError(t, err)
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, ExternalReference: id})
	p, err := shop.Create(within(t), key, 1050)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	require.Zero(t, inShared(t, `select count(*) from webhook_notifications where payment_id = $1`, id))
}

// notify sends a notification signed by the test, and says how it was answered.
func notify(t *testing.T, secret, paymentID, signedID, sentID, topic, requestID string) int {
	ts := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "id:%s;request-id:%s;ts:%s;", signedID, requestID, ts)
	url := shared.Shops[0].URL + "/webhooks/mercadopago?payment_id=" + paymentID + "&data.id=" + sentID + "&type=" + topic
	request, err := http.NewRequestWithContext(within(t), http.MethodPost, url, strings.NewReader(`{"type":"`+topic+`"}`))
	require.NoError(t, err)
	request.Header.Set("X-Request-Id", requestID)
	request.Header.Set("X-Signature", "ts="+ts+",v1="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func archived(t *testing.T, requestID string) int {
	return inShared(t, `select count(*) from webhook_notifications where notification::text like '%' || $1 || '%'`, requestID)
}

func TestForgedWebhooksEnterNoQueue(t *testing.T) {
	t.Parallel()
	_, id := key(t)
	const right = "onlywave-dev-webhook-secret"
	require.Equal(t, http.StatusUnauthorized, notify(t, "another-secret", id, "42", "42", "payment", "forged-secret"))
	require.Equal(t, http.StatusUnauthorized, notify(t, right, id, "42", "43", "payment", "forged-id"))
	require.Equal(t, http.StatusUnauthorized, notify(t, "", id, "42", "42", "payment", "forged-empty"))

	// What is sent after them is archived, and they are not.
	require.Equal(t, http.StatusOK, notify(t, right, id, "42", "42", "payment", "genuine-one"))
	eventually(t, func() bool { return archived(t, "genuine-one") == 1 }, "the genuine one is archived")
	require.Zero(t, archived(t, "forged-"))
}

func TestAnUnknownTopicIsArchivedAndNoMore(t *testing.T) {
	t.Parallel()
	_, id := key(t)
	require.Equal(t, http.StatusOK, notify(t, "onlywave-dev-webhook-secret", id, "7", "7", "topic_of_tomorrow", "unheard-of"))
	eventually(t, func() bool { return archived(t, "unheard-of") == 1 }, "it is archived")
	found := temporal(t, "workflow", "list", "--query", fmt.Sprintf(`WorkflowId = "payment/%s"`, id))
	require.NotContains(t, found, id)
}

// Not parallel: the others need the broker and the workers.
func TestWhileRabbitMQIsUnavailableWebhooksAreTakenAndKept(t *testing.T) {
	key, id := key(t)
	p := create(t, key)
	broker := shared.Stack.Process(devstack.RabbitMQ)
	require.NoError(t, broker.Kill())
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	eventually(t, func() bool { return inShared(t, `select count(*) from webhook_spool`) > 0 }, "the webhook is in the spool")
	attempts, err := shared.Provider.Webhooks(within(t), p.Provider.PaymentID)
	require.NoError(t, err)
	for _, a := range attempts {
		require.Equal(t, http.StatusOK, a.Status)
	}

	require.NoError(t, broker.Restart(context.WithoutCancel(t.Context())))
	awaitApproved(t, id)
	eventually(t, func() bool { return inShared(t, `select count(*) from webhook_spool`) == 0 }, "the spool is empty again")
	eventually(t, func() bool { return brokerIsBack(t) }, "every process has the broker again, for the tests that follow")
}

func brokerIsBack(t *testing.T) bool {
	for part := range shared.Metrics {
		answer, err := shared.Show(within(t), part, "/readyz")
		if err != nil || !strings.Contains(string(answer.Body), `"rabbitmq":"ok"`) {
			return false
		}
	}
	return true
}

// Not parallel: every worker dies.
func TestWorkersKilledBetweenTheChargeAndItsRow(t *testing.T) {
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: time.Minute, Times: 1, ExternalReference: id})
	accept(t, key, "wait=0")
	eventually(t, func() bool { return charges(t, id) == 1 }, "the provider has charged")
	for _, w := range shared.Workers {
		require.NoError(t, w.Kill())
	}
	for _, w := range shared.Workers {
		require.NoError(t, w.Restart(within(t)))
	}
	p, err := shared.Shops[0].Await(within(t), id, "pending")
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	require.Equal(t, 1, charges(t, id))
}
