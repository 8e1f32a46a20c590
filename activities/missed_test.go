package activities

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/test/simulator"
)

// Half of all notifications are lost; the simulator's own log says which.
func TestMissedNotificationsAreCountedAsTheyWereLost(t *testing.T) {
	t.Parallel()
	w, _ := reconcilingEnv(t)
	w.listen(t)
	w.provider.SetFaults([]simulator.Fault{{On: simulator.Webhook, Kind: simulator.KindLost, Rate: 0.5}})
	_, states := w.payments(t, 60)
	for _, s := range states[:40] {
		require.NoError(t, w.provider.Pay(s.PaymentID))
	}
	require.Eventually(t, func() bool { return len(w.provider.Webhooks()) == 100 }, timeout, 10*time.Millisecond)
	last := map[string]string{}
	for _, s := range states {
		last[s.PaymentID] = "payment.created"
	}
	for _, s := range states[:40] {
		last[s.PaymentID] = "payment.updated"
	}
	lost := []string{}
	for _, attempt := range w.provider.Webhooks() {
		require.True(t, attempt.Delivered || attempt.Suppressed)
		if attempt.Suppressed && attempt.Action == last[attempt.PaymentID] {
			lost = append(lost, attempt.PaymentID)
		}
	}
	require.NotEmpty(t, lost)
	require.Less(t, len(lost), 60)

	missed := func() (ids []string) {
		for _, f := range w.open(t, payment.MissedWebhook) {
			ids = append(ids, f.ProviderPaymentID)
		}
		return ids
	}
	require.Equal(t, len(lost), w.reconcile(t, "a").Missed)
	require.ElementsMatch(t, lost, missed())
	require.Zero(t, w.reconcile(t, "b").Missed, "each is counted once")
	require.ElementsMatch(t, lost, missed())

	// One comes after all: it was late.
	w.notified(t, lost[0], "payment.updated")
	w.reconcile(t, "c")
	require.ElementsMatch(t, lost[1:], missed())
	totals, err := w.database.FindingTotals(t.Context())
	require.NoError(t, err)
	require.Contains(t, totals, payment.FindingTotal{Kind: payment.MissedWebhook, All: len(lost), Open: len(lost) - 1})
}

// listen takes the provider's notifications and archives them, from now on and for payments made from now on.
func (w env) listen(t *testing.T) {
	t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var n mercadopago.Notification
			n, err = mercadopago.ParseNotification(mercadopago.Signed{ResourceID: r.URL.Query().Get("data.id")}, r.URL.Query(), r.URL.RawQuery, r.Header, body, time.Now())
			if err == nil {
				err = w.database.Archive(r.Context(), []postgres.Notification{{
					ID: n.ID, Topic: n.Topic, Action: n.Action, ResourceID: n.ResourceID, PaymentID: n.PaymentID, Whole: []byte(`{}`), ReceivedAt: n.ReceivedAt,
				}})
			}
		}
		if err != nil {
			answer.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	client, err := mercadopago.New(mercadopago.Config{BaseURL: w.address, AccessToken: "TEST-1", NotificationURL: receiver.URL})
	require.NoError(t, err)
	w.Activities.provider = client
}
