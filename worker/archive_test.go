package worker

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

func TestABatchOfNotificationsIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	at, _ := newAround(t)
	w, _ := newWorker(t, at)
	a, b := notification(t, "a"), notification(t, "b")
	b.Topic, b.Action, b.PaymentID = "topic_of_tomorrow", "", ""
	for range 2 {
		require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{delivery(t, a), delivery(t, b), delivery(t, a)}))
	}
	require.Equal(t, 2, kept(t, at))

	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var topic, action, resource, paymentID, whole string
	require.NoError(t, conn.QueryRow(t.Context(),
		`select topic, action, resource_id, payment_id, notification from webhook_notifications where id = $1 and received_at = $2`,
		a.ID, a.ReceivedAt).Scan(&topic, &action, &resource, &paymentID, &whole))
	require.Equal(t, []string{a.Topic, a.Action, a.ResourceID, a.PaymentID}, []string{topic, action, resource, paymentID})
	require.JSONEq(t, string(encode(t, a)), whole)
}

// The consumer hands a batch that is given up over again, one by one, to find which are at fault.
func TestOneUnreadableNotificationIsNotTheOthersFault(t *testing.T) {
	t.Parallel()
	at, _ := newAround(t)
	w, _ := newWorker(t, at)
	good, broken := delivery(t, notification(t, "good")), rabbitmq.Delivery{Message: rabbitmq.Message{ID: "broken", Body: []byte("{")}}
	require.True(t, isDead(w.archive(t.Context(), []rabbitmq.Delivery{good, broken})))
	require.Zero(t, kept(t, at))
	require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{good}))
	require.Equal(t, 1, kept(t, at))
}
