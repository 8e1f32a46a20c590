package api

import (
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/internal/replay"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// newReplays is a fixture that recognizes copies of notifications.
func newReplays(t *testing.T, url string) *fixture {
	t.Helper()
	f := newFixture(t)
	store, err := redis.Open(url, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	store.AnswerTime = 20 * time.Second
	t.Cleanup(func() { _ = store.Close() })
	c := f.server.config
	c.Replays = replay.New(store, time.Hour)
	t.Cleanup(c.Replays.Close)
	f.server, err = newServer(c, f.server.contract)
	require.NoError(t, err)
	return f
}

// A captured signature is worth nothing: a request with it is answered 200 and not stored.
func TestACopyOfANotificationIsNotStored(t *testing.T) {
	t.Parallel()
	f := newReplays(t, devstacktest.Start(t, devstack.Redis).RedisURL())
	require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody).Code)
	signed := []string{"X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10))}
	require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
	require.Len(t, f.publisher.published, 2, "another time is another notification")
	for _, path := range []string{
		notificationPath, notificationPath + "&payment_id=" + payment.NewID("shop", "victim"),
		"/webhooks/mercadopago?data.id=106400160592&type=topic_chargebacks_wh", "/webhooks/mercadopago?data.id=7&data.id=106400160592",
	} {
		w := f.notify(t, path, `{"action":"payment.created"}`, signed...)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Empty(t, w.Body.String())
	}
	require.Len(t, f.publisher.published, 2)
	require.Empty(t, f.database.spooled)
}

// Mercado Pago sends a notification again, perhaps with the same signature, when it got no 200.
func TestANotificationThatWasNotStoredIsNoCopy(t *testing.T) {
	t.Parallel()
	f := newReplays(t, devstacktest.Start(t, devstack.Redis).RedisURL())
	signed := []string{"X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Unix(), 10))}
	f.publisher.fails = rabbitmq.ErrUnavailable
	f.database.setUnavailable(errUnavailable)
	for range 3 {
		require.Equal(t, http.StatusServiceUnavailable, f.notify(t, notificationPath, notificationBody, signed...).Code)
	}
	f.database.setUnavailable(nil)
	for range 3 {
		require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
	}
	require.Len(t, f.database.spooled, 1, "it is stored in the spool")
	f.publisher.fails = nil
	require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
	require.Empty(t, f.publisher.published)
}

// Without Redis each process stores a copy once, and nothing is refused or lost.
func TestWithoutRedisEachProcessStoresACopy(t *testing.T) {
	t.Parallel()
	signed := []string{"X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10))}
	for range 2 {
		f := newReplays(t, nowhere)
		for range 3 {
			require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
		}
		require.Len(t, f.publisher.published, 1)
	}
}

// A notification that another process has stored is a copy.
func TestACopyAtAnotherProcessIsNotStored(t *testing.T) {
	t.Parallel()
	url := devstacktest.Start(t, devstack.Redis).RedisURL()
	signed := []string{"X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10))}
	one, other := newReplays(t, url), newReplays(t, url)
	require.Equal(t, http.StatusOK, one.notify(t, notificationPath, notificationBody, signed...).Code)
	one.server.config.Replays.Close()
	require.Equal(t, http.StatusOK, other.notify(t, notificationPath, notificationBody, signed...).Code)
	require.Len(t, one.publisher.published, 1)
	require.Empty(t, other.publisher.published)
}

// A notification that is signed with a future time could be sent again after its mark has expired.
func TestANotificationFromTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for ahead, want := range map[time.Duration]int{time.Minute: http.StatusOK, time.Hour: http.StatusUnauthorized} {
		signature := sign("106400160592", "test-1", strconv.FormatInt(time.Now().Add(ahead).Unix(), 10))
		require.Equal(t, want, f.notify(t, notificationPath, notificationBody, "X-Signature", signature).Code, ahead)
	}
}
