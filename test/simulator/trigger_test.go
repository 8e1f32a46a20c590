package simulator

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
)

// fitting makes the payment that a trigger takes, and sends no webhook of it.
func (a account) fitting(trigger Trigger) {
	a.t.Helper()
	if len(trigger.from) == 0 {
		return
	}
	a.SetFaults([]Fault{{On: Webhook, Kind: KindLost}})
	defer a.SetFaults(nil)
	if trigger.Name == "payment.rejected" {
		a.charge(map[string]any{"payment_method_id": "master", "token": makeToken("CONT", "6351"), "installments": 1})
		return
	}
	p := a.charge(nil)
	if trigger.Name == "payment.paid_late" {
		require.NoError(a.t, a.Expire(p.id()))
	}
}

// Each webhook that can be asked for arrives and is verified by the product's own verifier; only the signatures that are meant to be wrong
// are refused.
func TestEveryTriggerIsTrulySigned(t *testing.T) {
	t.Parallel()
	verifier, err := mercadopago.NewVerifier([]string{"secret"}, time.Hour)
	require.NoError(t, err)
	for _, trigger := range Triggers() {
		t.Run(trigger.Name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan mercadopago.Notification, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				signed, err := verifier.Verify(r.URL.Query(), r.Header, time.Now())
				if err != nil {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				if n, err := mercadopago.ParseNotification(signed, r.URL.Query(), r.URL.RawQuery, r.Header, body, time.Now()); err == nil {
					arrived <- n
				}
			}))
			t.Cleanup(server.Close)
			a := open(t, Config{WebhookSecret: "secret", DefaultNotificationURL: server.URL})
			a.fitting(trigger)
			attempt, err := a.Trigger(t.Context(), trigger.Name, "", "")
			require.NoError(t, err)
			if trigger.fault != "" {
				require.Equal(t, http.StatusUnauthorized, attempt.Status)
				return
			}
			require.Equal(t, http.StatusOK, attempt.Status)
			n := <-arrived
			require.False(t, n.Suspicious, "the body is about the same as the query")
			require.Equal(t, cmp.Or(trigger.topic, topicPayment), n.Topic)
			require.Equal(t, trigger.Name == "panel.test", n.IsTest())
			_, unserved := n.Unserved()
			require.Equal(t, strings.HasPrefix(trigger.Name, "order.") || strings.HasPrefix(trigger.Name, "subscription"), unserved)
		})
	}
}

func TestATriggerTakesTheNamedPayment(t *testing.T) {
	t.Parallel()
	hooks := receive(t)
	a := open(t, Config{WebhookSecret: "secret", DefaultNotificationURL: hooks.url})
	first := a.charge(map[string]any{"external_reference": "first"})
	second := a.charge(map[string]any{"external_reference": "second"})
	for name, p := range map[string]object{"first": first, second.id(): second} {
		attempt, err := a.Trigger(t.Context(), "payment.approved", name, "")
		require.NoError(t, err)
		require.Equal(t, p.id(), attempt.PaymentID)
		got, known := a.book.get(p.id())
		require.True(t, known)
		require.Equal(t, "approved", got.status)
	}
	_, err := a.Trigger(t.Context(), "payment.approved", "", "")
	require.ErrorContains(t, err, "there is no payment that fits (pending, in_process)")
	_, err = a.Trigger(t.Context(), "payment.approved", "third", "")
	require.ErrorContains(t, err, "third")
	_, err = a.Trigger(t.Context(), "payment.aproved", "", "")
	require.ErrorIs(t, err, ErrUnknownTrigger)
}
