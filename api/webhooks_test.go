package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

const (
	notificationBody = `{"action":"payment.updated","api_version":"v1","data":{"id":"106400160592"},"date_created":"2026-11-23T19:32:45Z","id":123,"live_mode":true,"type":"payment","user_id":"44444"}`
	notificationPath = "/webhooks/mercadopago?data.id=106400160592&type=payment"
)

// notify sends a notification that is signed now, unless the headers replace the signature.
func (f *fixture) notify(t testing.TB, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	signature := sign("106400160592", "test-1", strconv.FormatInt(time.Now().Unix(), 10))
	headers = append([]string{"Authorization", "", "Content-Type", "application/json", "X-Signature", signature}, headers...)
	return f.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func TestNotificationIsPublishedAsReceived(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := payment.NewID("shop", "k")
	w := f.notify(t, notificationPath+"&payment_id="+id, notificationBody)
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.Empty(t, w.Body.String())

	require.Len(t, f.publisher.published, 1)
	m := f.publisher.published[0]
	require.Equal(t, "mercadopago.payment", m.Key)
	require.False(t, m.Optional)
	n, err := mercadopago.DecodeNotification(m.Body)
	require.NoError(t, err)
	require.Equal(t, m.ID, n.ID)
	require.Equal(t, "106400160592", n.ResourceID)
	require.Equal(t, id, n.PaymentID)
	require.Equal(t, notificationBody, string(n.Body))
	require.WithinDuration(t, time.Now(), m.Time, time.Minute)
	require.Empty(t, f.logs.String(), "accepted notifications are not logged")
}

func TestNotificationWithAWrongSignatureIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, signature := range map[string]string{
		"none": "", "garbage": "v1", "another resource": sign("1", "test-1", "1767225600"), "another request": sign("106400160592", "test-2", "1767225600"),
	} {
		w := f.notify(t, notificationPath, notificationBody, "X-Signature", signature)
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
		require.Equal(t, "unauthorized", decode[Problem](t, w).Code)
	}
	require.Empty(t, f.publisher.published)
	require.Empty(t, f.database.spooled)
}

// Ids of the Orders API are in upper case, and Mercado Pago has signed them as they are and in lower case.
func TestANotificationOfAnOrderIsPublishedHoweverItsIDWasSigned(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const order = "ORD01JQ4S4KY8HWQ6NA5PXB65B3D3"
	const body = `{"action":"order.processed","data":{"id":"` + order + `","status":"processed"},"live_mode":true,"type":"order","user_id":"44444"}`
	now := strconv.FormatInt(time.Now().Unix(), 10)
	for i, signed := range []string{order, strings.ToLower(order)} {
		w := f.notify(t, "/webhooks/mercadopago?data.id="+order+"&type=order", body, "X-Signature", sign(signed, "test-1", now))
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		require.Len(t, f.publisher.published, i+1)
		require.Equal(t, "mercadopago.order", f.publisher.published[i].Key)
		n, err := mercadopago.DecodeNotification(f.publisher.published[i].Body)
		require.NoError(t, err)
		require.Equal(t, []any{"order", "order.processed", order, "", false}, []any{n.Topic, n.Action, n.ResourceID, n.PaymentID, n.Suspicious})
	}
	w := f.notify(t, "/webhooks/mercadopago?data.id="+order+"&type=order", body, "X-Signature", sign("ORD01", "test-1", now))
	require.Equal(t, http.StatusUnauthorized, w.Code)

	f.publisher.fails = rabbitmq.ErrUnavailable
	w = f.notify(t, "/webhooks/mercadopago?data.id="+order+"&type=order", body, "X-Signature", sign(order, "test-1", now))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, []string{"mercadopago.order"}, f.database.spooled)
}

// The response is 200 when RabbitMQ or the spool has stored the notification, and 503 when neither has.
func TestNotificationIsSpooledWhenRabbitMQIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, failure := range []error{rabbitmq.ErrUnavailable, rabbitmq.ErrRefused, rabbitmq.ErrUnroutable, errors.New("any other")} {
		f.publisher.fails = failure
		require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody).Code)
	}
	require.Equal(t, []string{"mercadopago.payment", "mercadopago.payment", "mercadopago.payment", "mercadopago.payment"}, f.database.spooled)

	f.database.setUnavailable(errUnavailable)
	w := f.notify(t, notificationPath, notificationBody)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	require.NotContains(t, w.Body.String(), "10.0.0.7")
	require.Contains(t, f.logs.String(), "10.0.0.7")
}

func TestAnyNotificationBodyIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, body := range []string{"", "not JSON", "\xff\x00", strings.Repeat("x", maxBody)} {
		require.Equal(t, http.StatusOK, f.notify(t, notificationPath, body).Code)
	}
	require.Len(t, f.publisher.published, 4)
	require.Equal(t, http.StatusRequestEntityTooLarge, f.notify(t, notificationPath, strings.Repeat("x", maxBody+1)).Code)
	require.Len(t, f.publisher.published, 4)
}

func TestRoutingKey(t *testing.T) {
	t.Parallel()
	for topic, key := range map[string]string{
		"payment": "mercadopago.payment", "topic_chargebacks_wh": "mercadopago.topic_chargebacks_wh", "mp-connect": "mercadopago.mp-connect",
		"": "mercadopago.unknown", "a.b": "mercadopago.unknown", "#": "mercadopago.unknown", "Payment": "mercadopago.unknown",
		"paymént": "mercadopago.unknown", strings.Repeat("a", 65): "mercadopago.unknown",
	} {
		require.Equal(t, key, routingKey(topic))
	}
}

type discard struct{}

func (discard) Publish(context.Context, string, rabbitmq.Message) error { return nil }

// BenchmarkNotification measures what we add to RabbitMQ's time.
func BenchmarkNotification(b *testing.B) {
	f := newFixture(b)
	c := f.server.config
	c.Publisher, c.Log = discard{}, slog.New(slog.NewJSONHandler(io.Discard, nil))
	server, err := newServer(c, f.server.contract)
	require.NoError(b, err)
	signature := sign("106400160592", "test-1", strconv.FormatInt(time.Now().Unix(), 10))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, notificationPath, strings.NewReader(notificationBody))
		r.Header.Set("X-Request-Id", "test-1")
		r.Header.Set("X-Signature", signature)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
}
