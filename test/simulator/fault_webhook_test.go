package simulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWebhookLost(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url})
	a.AddFault(Fault{On: Webhook, Kind: KindLost, Times: 1})
	p := a.charge(nil)
	require.NoError(t, a.Pay(p.id()))
	require.Equal(t, actionUpdated, r.next().body.Action)
	r.none(a, 2)
	require.True(t, a.Webhooks()[0].Suppressed)
	require.Equal(t, KindLost, a.Webhooks()[0].Fault)
}

func TestWebhookDoubled(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url})
	a.AddFault(Fault{On: Webhook, Kind: KindDoubled, Count: 3, Times: 1})
	a.charge(nil)
	first, second, third := r.next(), r.next(), r.next()
	require.Equal(t, first.body, second.body)
	require.Equal(t, first.body, third.body)
	r.none(a, 3)
}

func TestWebhooksReordered(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url})
	a.AddFault(Fault{On: Webhook, Kind: KindReordered, Times: 1})
	p := a.charge(nil)
	require.Contains(t, a.sender.held, p.id())
	require.NoError(t, a.Pay(p.id()))
	require.Equal(t, actionUpdated, r.next().body.Action)
	require.Equal(t, actionCreated, r.next().body.Action)
	r.none(a, 2)
	require.Equal(t, KindReordered, a.Webhooks()[1].Fault)
}

func TestWebhookBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var a account
	answered := make(chan struct{})
	seen := make(chan int, 1)
	hooks := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-answered:
			seen <- 0
		case <-time.After(50 * time.Millisecond):
			// The payment can be read before its create was answered.
			status, _, _, _ := a.attempt("GET", "/v1/payments/"+req.URL.Query().Get("data.id"), "", nil)
			seen <- status
		}
	}))
	defer hooks.Close()
	a = open(t, Config{DefaultNotificationURL: hooks.URL})
	a.AddFault(Fault{On: Webhook, Kind: KindEarly, Times: 1})
	a.charge(nil)
	close(answered)
	require.Equal(t, http.StatusOK, <-seen)
}

func TestWebhookLate(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url})
	a.AddFault(Fault{On: Webhook, Kind: KindLate, Delay: 200 * time.Millisecond, Times: 1})
	started := time.Now()
	p := a.charge(nil)
	require.NoError(t, a.Pay(p.id()))
	require.Equal(t, actionUpdated, r.next().body.Action)
	require.Equal(t, actionCreated, r.next().body.Action)
	require.GreaterOrEqual(t, time.Since(started), 200*time.Millisecond)
}

func TestWebhookForged(t *testing.T) {
	t.Parallel()
	const secret = "s"
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url, WebhookSecret: secret})
	right := func(h hook) bool {
		signature := h.header.Get("X-Signature")
		return len(signature) > 13 && signature == sign(secret, h.query.Get("data.id"), h.header.Get("X-Request-Id"), signature[3:13])
	}
	a.AddFault(Fault{On: Webhook, Kind: KindBadSignature, Times: 1})
	a.charge(nil)
	require.False(t, right(r.next()))
	a.AddFault(Fault{On: Webhook, Kind: KindUnsigned, Times: 1})
	a.charge(nil)
	require.Empty(t, r.next().header.Values("X-Signature"))
	a.AddFault(Fault{On: Webhook, Kind: KindWrongID, Times: 1})
	p := a.charge(nil)
	wrong := r.next()
	require.True(t, right(wrong))
	require.Equal(t, p.id(), wrong.query.Get("data.id"))
	require.NotEqual(t, p.id(), wrong.body.Data.ID)
	require.Len(t, wrong.body.Data.ID, 12)
}
