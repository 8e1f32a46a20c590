package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func notification(id string) Notification {
	return Notification{
		ID: id, Topic: "payment", Action: "payment.updated", ResourceID: "106400160592",
		PaymentID: payment.NewID("shop", "k"), Whole: []byte(`{"id": "` + id + `"}`), ReceivedAt: timeAt(0),
	}
}

func TestDuplicatesAreArchivedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	a, b, c := notification("a"), notification("b"), notification("c")
	require.NoError(t, s.Archive(t.Context(), []Notification{a, b, a}))
	changed := a
	changed.Topic, changed.Whole = "another", []byte(`{}`)
	require.NoError(t, s.Archive(t.Context(), []Notification{changed, c}))
	require.NoError(t, s.Archive(t.Context(), nil))

	require.Equal(t, 3, s.number(t, `select count(*) from webhook_notifications`))
	require.Equal(t, 3, s.number(t, `select count(*) from webhook_notifications
		where topic = 'payment' and action = 'payment.updated' and resource_id = '106400160592' and payment_id = $1
		  and notification = jsonb_build_object('id', id) and received_at = $2`, a.PaymentID, a.ReceivedAt))
}

func TestABatchIsArchivedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	noJSON, noText, nul := notification("broken"), notification("broken"), notification("broken")
	noJSON.Whole, noText.Whole, nul.Topic = []byte(`{`), []byte(`{"topic": "\u0000"}`), "\x00"
	for _, broken := range []Notification{noJSON, noText, nul} {
		err := s.Archive(t.Context(), []Notification{notification("fine"), broken})
		require.Equal(t, failure.Invalid, failure.KindOf(err), "the batch's own fault: %v", err)
		require.Equal(t, 0, s.number(t, `select count(*) from webhook_notifications`))
	}
}

// spool puts webhooks numbered 1 to n into the spool, the last one first.
func spool(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := n; i > 0; i-- {
		require.NoError(t, s.Spool(t.Context(), fmt.Sprint(i), "mercadopago.payment", fmt.Append(nil, "body ", i), timeAt(i)))
	}
}

// taken collects what is published, until it has as many as it takes.
type taken struct {
	ids   []string
	takes int
}

var errFull = errors.New("the broker takes no more")

func (k *taken) publish(_ context.Context, w Spooled) error {
	if len(k.ids) == k.takes {
		return errFull
	}
	k.ids = append(k.ids, w.ID)
	return nil
}

func TestTheSpoolIsEmptiedOldestFirst(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	spool(t, s, 5)
	require.NoError(t, s.Spool(t.Context(), "1", "another", []byte("another"), timeAt(9)), "the first stays")

	var first Spooled
	n, err := s.Unspool(t.Context(), 1, func(_ context.Context, w Spooled) error { first = w; return nil })
	require.NoError(t, err)
	require.Equal(t, 1, n)
	first.ReceivedAt = first.ReceivedAt.UTC()
	require.Equal(t, Spooled{ID: "1", RoutingKey: "mercadopago.payment", Body: []byte("body 1"), ReceivedAt: timeAt(1)}, first)

	broker := taken{takes: 3}
	n, err = s.Unspool(t.Context(), 2, broker.publish)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = s.Unspool(t.Context(), 100, broker.publish)
	require.ErrorIs(t, err, errFull)
	require.Equal(t, 1, n)
	require.Equal(t, []string{"2", "3", "4"}, broker.ids)

	n, err = s.Unspool(t.Context(), 100, broker.publish)
	require.ErrorIs(t, err, errFull)
	require.Zero(t, n)
	require.Equal(t, 1, s.number(t, `select count(*) from webhook_spool where id = '5'`))
	broker.takes = 100
	n, err = s.Unspool(t.Context(), 100, broker.publish)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 0, s.number(t, `select count(*) from webhook_spool`))
	n, err = s.Unspool(t.Context(), 100, broker.publish)
	require.NoError(t, err)
	require.Zero(t, n)
}

// Two relays at once: while the first holds its webhooks, the second takes the others and not these.
func TestTwoRelaysShareTheSpool(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	spool(t, s, 6)
	first, second := taken{takes: 100}, taken{takes: 100}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	n, err := s.Unspool(ctx, 2, func(ctx context.Context, w Spooled) error {
		if len(first.ids) == 0 {
			n, err := s.Unspool(ctx, 100, second.publish)
			require.NoError(t, err)
			require.Equal(t, 4, n)
		}
		return first.publish(ctx, w)
	})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"1", "2"}, first.ids)
	require.Equal(t, []string{"3", "4", "5", "6"}, second.ids)
	require.Equal(t, 0, s.number(t, `select count(*) from webhook_spool`))
}

// A relay that is stopped between publishing and deleting publishes duplicates later, and loses nothing.
func TestARelayThatIsStoppedLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	spool(t, s, 3)
	ctx, stop := context.WithCancel(t.Context())
	broker := taken{takes: 100}
	n, err := s.Unspool(ctx, 100, func(ctx context.Context, w Spooled) error {
		if w.ID == "2" {
			stop()
		}
		return broker.publish(ctx, w)
	})
	require.Error(t, err)
	require.Zero(t, n)
	require.Equal(t, 3, s.number(t, `select count(*) from webhook_spool`))

	// Postgres may take a moment to see that the stopped relay has gone, and holds its webhooks until then.
	broker.ids = nil
	require.Eventually(t, func() bool {
		_, err := s.Unspool(t.Context(), 100, broker.publish)
		return err == nil && len(broker.ids) >= 3
	}, testTimeout, 10*time.Millisecond)
	require.ElementsMatch(t, []string{"1", "2", "3"}, broker.ids)
	require.Equal(t, 0, s.number(t, `select count(*) from webhook_spool`))
}
