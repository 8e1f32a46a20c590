package postgres

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres/postgrestest"
)

// waiting is what the outbox holds of a payment, as sink and first number.
func (s *Store) waiting(t require.TestingT, id string) map[Sink]int {
	rows, err := s.pool.Query(context.Background(), `select sink, seq from outbox where payment_id = $1`, id)
	require.NoError(t, err)
	defer rows.Close()
	found := map[Sink]int{}
	for rows.Next() {
		var sink Sink
		var seq int
		require.NoError(t, rows.Scan(&sink, &seq))
		found[sink] = seq
	}
	require.NoError(t, rows.Err())
	return found
}

// allDue makes every row due.
func (s *Store) allDue(t *testing.T) {
	t.Helper()
	for _, table := range []string{"outbox", "event_repeats"} {
		_, err := s.pool.Exec(t.Context(), `update `+table+` set due_at = now() - interval '1 second'`)
		require.NoError(t, err)
	}
}

func (s *Store) keepDelivered(t *testing.T, sink Sink, delivered ...Delivered) []string {
	t.Helper()
	more, err := s.KeepDelivered(t.Context(), sink, delivered, time.Minute)
	require.NoError(t, err)
	return more
}

func (s *Store) takeUndelivered(t *testing.T, sink Sink) []Undelivered {
	t.Helper()
	found, err := s.TakeUndelivered(t.Context(), sink, 10)
	require.NoError(t, err)
	return found
}

func numbers(u Undelivered) []int {
	var all []int
	for _, e := range u.Events {
		all = append(all, e.Seq)
	}
	return all
}

// byEmail is a payment whose buyer wants e-mails.
func byEmail(key string) payment.Payment {
	p := newPayment(key)
	p.Payer.NotifyBy = payment.ByEmail
	return p
}

// The process that writes an event owns its outbox row. If another process owns a row of the payment already, that process delivers the
// new event.
func TestTheWriterOfAnEventDeliversIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, byEmail("delivered")).ID
	require.Equal(t, map[Sink]int{ToSubscribers: 1}, s.waiting(t, id), "the buyer gets no e-mail about the creation")

	m := s.apply(t, id, answer(id, payment.Pending, 1))
	require.Equal(t, []Sink{ToBuyer}, m.Sinks, "the other row is its writer's")
	require.Equal(t, map[Sink]int{ToSubscribers: 1, ToBuyer: 2}, s.waiting(t, id))
	require.Equal(t, []string{id}, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 1}), "there is more")
	require.Equal(t, map[Sink]int{ToSubscribers: 2, ToBuyer: 2}, s.waiting(t, id))
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 2}))
	require.Empty(t, s.keepDelivered(t, ToBuyer, Delivered{PaymentID: id, Seq: 2}))
	require.Empty(t, s.waiting(t, id))
	require.Equal(t, 2, s.number(t, `select published from payments where id = $1`, id))

	require.Empty(t, s.apply(t, id, answer(id, payment.Pending, 2)).Sinks, "nothing has happened")
	require.Equal(t, []Sink{ToSubscribers}, s.apply(t, id, answer(id, payment.InReview, 3)).Sinks)
	require.ElementsMatch(t, []Sink{ToBuyer}, s.apply(t, id, answer(id, payment.Approved, 4)).Sinks)
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 4}))
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 3}), "a late word of what is over changes nothing")
	require.Equal(t, 4, s.number(t, `select published from payments where id = $1`, id))

	quiet := s.open(t, newPayment("no e-mail")).ID
	s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: quiet, Seq: 1})
	m, err := s.Park(t.Context(), quiet, "no answer", timeAt(1))
	require.NoError(t, err)
	require.Equal(t, []Sink{ToSubscribers}, m.Sinks)
	s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: quiet, Seq: 2})
	require.Equal(t, []Sink{ToSubscribers}, s.apply(t, quiet, answer(quiet, payment.Approved, 4)).Sinks)
}

// A late KeepDelivered must not take the row from the process that owns it now.
func TestALateResultDoesNotChangeTheNextOwnersRow(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("late")).ID
	s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 1})
	s.apply(t, id, answer(id, payment.Pending, 1))
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 1}))
	require.Equal(t, map[Sink]int{ToSubscribers: 2}, s.waiting(t, id))
}

func TestWhatWasNotDeliveredIsTakenWhenItsLeaseEnds(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, byEmail("undelivered")).ID
	s.apply(t, id, answer(id, payment.Pending, 1))
	require.Empty(t, s.takeUndelivered(t, ToSubscribers), "its writer has it")
	s.allDue(t)
	found := s.takeUndelivered(t, ToSubscribers)
	require.Len(t, found, 1)
	events, err := s.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Equal(t, Undelivered{PaymentID: id, Events: events, Version: 2}, found[0])
	require.Empty(t, s.takeUndelivered(t, ToSubscribers), "now it is this one's")
	buyers := s.takeUndelivered(t, ToBuyer)
	require.Len(t, buyers, 1)
	require.Equal(t, []int{2}, numbers(buyers[0]))

	// A release from before the outbox publishes without it, and stores that in payments.published.
	s.allDue(t)
	_, err = s.pool.Exec(t.Context(), `update payments set published = 2 where id = $1`, id)
	require.NoError(t, err)
	require.Equal(t, []Undelivered{{PaymentID: id, Version: 2}}, s.takeUndelivered(t, ToSubscribers))
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 2}))
	require.NotContains(t, s.waiting(t, id), ToSubscribers)
}

// Many processes take payments at once, and each payment is taken by one of them.
func TestManyShareTheOutbox(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 40 {
		s.open(t, newPayment("shared-"+strconv.Itoa(i)))
	}
	s.allDue(t)
	taken := make([][]Undelivered, 8)
	sideBySide(t, 8, func(i int) (err error) {
		taken[i], err = s.TakeUndelivered(context.Background(), ToSubscribers, 10)
		return err
	})
	of := map[string]int{}
	for _, some := range taken {
		for _, u := range some {
			of[u.PaymentID]++
		}
	}
	for id, n := range of {
		require.Equal(t, 1, n, id)
	}
	require.NotEmpty(t, of)
}

// A payment moves just before or just after a delivery is stored. Exactly one process has to deliver the move.
func TestNoMoveIsLostWhileADeliveryIsStored(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 30 {
		id := s.open(t, newPayment("race-"+strconv.Itoa(i))).ID
		var m Move
		var more []string
		sideBySide(t, 2, func(i int) (err error) {
			if i == 0 {
				m, err = s.Apply(context.Background(), id, answer(id, payment.Pending, 1), timeAt(30))
				return err
			}
			more, err = s.KeepDelivered(context.Background(), ToSubscribers, []Delivered{{PaymentID: id, Seq: 1}}, time.Minute)
			return err
		})
		require.Equal(t, 1, len(m.Sinks)+len(more), "exactly one has to deliver it: %v, %v", m.Sinks, more)
		require.Equal(t, map[Sink]int{ToSubscribers: 2}, s.waiting(t, id))
	}
}

// A workflow from before the outbox puts its events there once, and only those that were not delivered.
func TestWhatAnOlderRunKeptIsPutIntoTheOutbox(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("older")).ID
	s.apply(t, id, answer(id, payment.Pending, 1))
	_, err := s.pool.Exec(t.Context(), `delete from outbox`) // as if an older release had written both
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.Enqueue(t.Context(), id, 1, 2, []Sink{ToSubscribers, ToBuyer}))
		require.Equal(t, map[Sink]int{ToSubscribers: 1, ToBuyer: 1}, s.waiting(t, id))
	}
	found := s.takeUndelivered(t, ToSubscribers)
	require.Len(t, found, 1)
	require.Equal(t, []int{1, 2}, numbers(found[0]))
	s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 2})
	require.NoError(t, s.Enqueue(t.Context(), id, 2, 2, []Sink{ToSubscribers}))
	require.NotContains(t, s.waiting(t, id), ToSubscribers)
}

func TestARefusedEventIsRepeatedAfterGrowingGaps(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("refused")).ID
	s.apply(t, id, answer(id, payment.Pending, 1))
	require.Empty(t, s.keepDelivered(t, ToSubscribers, Delivered{PaymentID: id, Seq: 2, Refused: []int{1, 2}}))
	take := func() []Repeat {
		found, err := s.TakeRepeats(t.Context(), 10, time.Minute, 6)
		require.NoError(t, err)
		return found
	}
	due := func() float64 {
		return float64(s.number(t, `select round(extract(epoch from min(due_at) - now()))::int from event_repeats`))
	}
	require.Empty(t, take(), "not yet")
	require.InDelta(t, 60, due(), 2)
	events, err := s.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	for failures, gap := range []float64{360, 2160, 12960} {
		s.allDue(t)
		require.Equal(t, []Repeat{{events[0], failures + 2}, {events[1], failures + 2}}, take())
		require.InDelta(t, gap, due(), 2)
		require.Empty(t, take())
	}
	require.NoError(t, s.PutOffRepeat(t.Context(), events[0], time.Second))
	s.allDue(t)
	require.Equal(t, []Repeat{{events[0], 4}, {events[1], 5}}, take(), "the first was not tried")
	for _, e := range events {
		require.NoError(t, s.ForgetRepeat(t.Context(), e))
	}
	s.allDue(t)
	require.Empty(t, take())
}

// A database of an older release has payments with events that were not delivered. The migration puts them into the outbox.
func TestTheOutboxBeginsWithWhatWasNotPublished(t *testing.T) {
	t.Parallel()
	url := postgrestest.At(t, 39)
	s := openStore(t, url)
	for _, row := range []struct {
		key                string
		version, published int
	}{{"delivered", 3, 3}, {"half delivered", 3, 1}, {"undelivered", 1, 0}} {
		_, err := s.pool.Exec(t.Context(), `
with client as (insert into clients (id, name) values ('shop', 'shop') on conflict do nothing)
insert into payments (id, client_id, idempotency_key, fingerprint, status, amount, currency, description, reference, method_type, method,
                      payer, metadata, provider, version, published, created_at, updated_at)
values ($1, 'shop', $2, '', 'pending', 1050, 'BRL', '', '', 'pix', '{}', '{}', '{}', 'mercadopago', $3, $4, now(), now())`,
			payment.NewID("shop", row.key), row.key, row.version, row.published)
		require.NoError(t, err)
	}
	_, err := s.pool.Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values (99999, true)`) // merged before this
	require.NoError(t, err)
	require.NoError(t, Migrate(t.Context(), url, silent))
	require.Empty(t, s.waiting(t, payment.NewID("shop", "delivered")))
	require.Equal(t, map[Sink]int{ToSubscribers: 2}, s.waiting(t, payment.NewID("shop", "half delivered")))
	require.Equal(t, map[Sink]int{ToSubscribers: 1}, s.waiting(t, payment.NewID("shop", "undelivered")))
}
