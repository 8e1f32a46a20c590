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

// newReplays is a fixture that knows copies of notifications.
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
	f.server, err = New(c)
	require.NoError(t, err)
	return f
}

// A captured signature opens no door: whatever is put around it, it is answered and left at that.
func TestACopyOfANotificationIsAnsweredAndNoMore(t *testing.T) {
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
	require.Empty(t, f.record.spooled)
}

// Mercado Pago repeats what it got no 200 for, perhaps as it was.
func TestANotificationThatWasNotStoredIsNoCopy(t *testing.T) {
	t.Parallel()
	f := newReplays(t, devstacktest.Start(t, devstack.Redis).RedisURL())
	signed := []string{"X-Signature", sign("106400160592", "test-1", strconv.FormatInt(time.Now().Unix(), 10))}
	f.publisher.fails = rabbitmq.ErrUnavailable
	f.record.setAway(errAway)
	for range 3 {
		require.Equal(t, http.StatusServiceUnavailable, f.notify(t, notificationPath, notificationBody, signed...).Code)
	}
	f.record.setAway(nil)
	for range 3 {
		require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
	}
	require.Len(t, f.record.spooled, 1, "the spool is a place, too")
	f.publisher.fails = nil
	require.Equal(t, http.StatusOK, f.notify(t, notificationPath, notificationBody, signed...).Code)
	require.Empty(t, f.publisher.published)
}

// Without Redis each process takes a copy in once, and nothing is refused or lost.
func TestWithoutRedisThereAreTwins(t *testing.T) {
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

// What one process has stored is a copy to the others.
func TestACopyAtAnotherProcessIsAnsweredAndNoMore(t *testing.T) {
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

// What is signed for tomorrow could be sent again for longer than any mark is kept.
func TestANotificationFromTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for ahead, want := range map[time.Duration]int{time.Minute: http.StatusOK, time.Hour: http.StatusUnauthorized} {
		signature := sign("106400160592", "test-1", strconv.FormatInt(time.Now().Add(ahead).Unix(), 10))
		require.Equal(t, want, f.notify(t, notificationPath, notificationBody, "X-Signature", signature).Code, ahead)
	}
}
