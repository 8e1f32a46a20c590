package worker

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

func TestABatchOfNotificationsIsKeptAsItCame(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
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

// However a notification offends the database, it does so alone: the others of its batch are kept.
func TestANotificationThatTheDatabaseRefusesIsAtFault(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `
alter table webhook_notifications add check (topic <> 'forbidden');
create function offended() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
create trigger offended before insert on webhook_notifications for each row when (new.topic = 'offending') execute function offended()`)
	require.NoError(t, err)
	refused := func(topic string) mercadopago.Notification {
		n := notification(t, topic)
		n.Topic = topic
		return n
	}
	rows := []struct {
		bad   mercadopago.Notification
		cause deadletter.Cause
	}{
		{refused(incompressible(8 << 10)), deadletter.CauseInvalid}, // by an index
		{refused("forbidden"), deadletter.CauseInvalid},             // by a check
		{refused("offending"), deadletter.CauseInternal},            // by a bug
	}
	for _, row := range rows {
		bad, cause := row.bad, row.cause
		good := delivery(t, notification(t, "good"))
		require.ErrorContains(t, w.archive(t.Context(), []rabbitmq.Delivery{good, delivery(t, bad)}), "message's fault, "+string(cause))
		require.ErrorContains(t, w.archive(t.Context(), []rabbitmq.Delivery{delivery(t, bad)}), "message's fault, "+string(cause))
		require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{good}))
	}
	require.Equal(t, 3, kept(t, at))
}

// incompressible is a text that Postgres can make no shorter.
func incompressible(length int) string {
	var text strings.Builder
	for text.Len() < length {
		text.WriteString(uuid.NewString())
	}
	return text.String()[:length]
}

// The consumer hands a batch that is given up over again, one by one, to find which are at fault.
func TestOneUnreadableNotificationIsNotTheOthersFault(t *testing.T) {
	t.Parallel()
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	good, broken := delivery(t, notification(t, "good")), rabbitmq.Delivery{Message: rabbitmq.Message{ID: "broken", Body: []byte("{")}}
	require.True(t, isDead(w.archive(t.Context(), []rabbitmq.Delivery{good, broken})))
	require.Zero(t, kept(t, at))
	require.NoError(t, w.archive(t.Context(), []rabbitmq.Delivery{good}))
	require.Equal(t, 1, kept(t, at))
}
