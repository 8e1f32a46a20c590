package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// deadLetter is a webhook that died in a queue; its number names it and says when it died.
func deadLetter(number int) deadletter.Message {
	l := deadletter.Message{
		Source: deadletter.FromWebhook, Cause: deadletter.CauseInvalid, Error: "the database refused the request", PaymentID: payment.NewID("shop", "x"),
		Original: deadletter.Original{
			ID: fmt.Sprint("message-", number), Queue: "q", Exchange: "onlywave.webhooks", Key: "mercadopago.payment",
			ContentType: "application/json", Body: []byte(`{"a": "\u0000"}`), SentAt: timeAt(0),
		},
		Trail: []deadletter.Attempt{{Attempt: 1, At: timeAt(1), Error: "no"}}, State: deadletter.Open, Deaths: 1, DiedAt: timeAt(number),
	}
	l.ID = deadletter.NewID(l.Original.ID, l.Original.Queue)
	l.Fingerprint = deadletter.NewFingerprint(l.Source, l.Cause, l.Error)
	return l
}

// keep stores dead letters and returns how many were new.
func (s *Store) keep(t *testing.T, deadLetters ...deadletter.Message) int {
	t.Helper()
	news, err := s.KeepDeadLetters(t.Context(), deadLetters)
	require.NoError(t, err)
	return len(news)
}

func (s *Store) deadLetter(t *testing.T, id string) deadletter.Message {
	t.Helper()
	l, err := s.DeadLetter(t.Context(), id)
	require.NoError(t, err)
	return l
}

func TestADeadLetterIsKeptOnceAsItCame(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	require.Equal(t, 1, s.keep(t, l, l))
	require.Zero(t, s.keep(t, l))
	kept := s.deadLetter(t, l.ID)
	require.WithinDuration(t, time.Now(), kept.ReceivedAt, testTimeout)
	l.ReceivedAt = kept.ReceivedAt
	require.Equal(t, l, kept)

	empty := deadletter.Message{ID: deadletter.NewID("empty", ""), Cause: deadletter.CauseUnlabelled, Deaths: 1}
	require.Equal(t, 1, s.keep(t, empty))
	_, err := s.DeadLetter(t.Context(), deadletter.NewID("none", ""))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

// A duplicate of a closed dead letter changes nothing. A dead letter that died later, or more often, is open again.
func TestADeadLetterThatDiesAgainIsOpenAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	s.keep(t, l)
	_, err := s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ana"}, l.ID, "a test")
	require.NoError(t, err)
	require.Zero(t, s.keep(t, l))
	require.Equal(t, deadletter.Discarded, s.deadLetter(t, l.ID).State)

	later := l
	later.DiedAt, later.Error = timeAt(2), "again"
	require.Equal(t, 1, s.keep(t, later, l))
	again := s.deadLetter(t, l.ID)
	require.Equal(t, deadletter.Open, again.State)
	require.Equal(t, "again", again.Error)
	require.Equal(t, 2, again.Deaths)
	require.Zero(t, again.ClosedAt)
	require.Empty(t, again.ClosedBy+again.Reason)

	inTheSameSecond := later
	inTheSameSecond.Deaths = 3
	require.Equal(t, 1, s.keep(t, inTheSameSecond))
	require.Equal(t, 3, s.deadLetter(t, l.ID).Deaths)
	require.Zero(t, s.keep(t, inTheSameSecond, later, l))
}

func TestDiscardingTwiceIsDiscardingOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	s.keep(t, l)
	first, err := s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ana"}, l.ID, "a test")
	require.NoError(t, err)
	require.Equal(t, []string{"ana", "a test"}, []string{first.ClosedBy, first.Reason})
	require.NotZero(t, first.ClosedAt)
	second, err := s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ana"}, l.ID, "a test")
	require.NoError(t, err)
	require.Equal(t, first, second)
	_, err = s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "rui"}, l.ID, "another")
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Equal(t, first, s.deadLetter(t, l.ID))
	_, err = s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ana"}, deadletter.NewID("none", ""), "a test")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

func TestDeadLettersAreListedAsTheFilterSays(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var all []deadletter.Message
	for i := range 5 {
		all = append(all, deadLetter(i))
	}
	all[1].Cause, all[2].Source, all[3].Fingerprint = deadletter.CauseUnreadable, deadletter.FromWorkflow, "another"
	all[4].PaymentID = ""
	require.Equal(t, 5, s.keep(t, all...))
	_, err := s.DiscardDeadLetter(t.Context(), audit.Actor{Name: "ana"}, all[0].ID, "a test")
	require.NoError(t, err)

	rows := []struct {
		filter deadletter.Filter
		want   []int
	}{
		{deadletter.Filter{}, []int{4, 3, 2, 1, 0}},
		{deadletter.Filter{State: deadletter.Open}, []int{4, 3, 2, 1}},
		{deadletter.Filter{State: deadletter.Discarded}, []int{0}},
		{deadletter.Filter{Cause: deadletter.CauseUnreadable}, []int{1}},
		{deadletter.Filter{Source: deadletter.FromWorkflow}, []int{2}},
		{deadletter.Filter{Fingerprint: "another"}, []int{3}},
		{deadletter.Filter{PaymentID: all[0].PaymentID}, []int{3, 2, 1, 0}},
		{deadletter.Filter{IDs: []string{all[2].ID, all[4].ID}}, []int{4, 2}},
		{deadletter.Filter{DiedFrom: timeAt(1), DiedTo: timeAt(3)}, []int{2, 1}},
		{deadletter.Filter{After: payment.Position{CreatedAt: timeAt(3), ID: all[3].ID}}, []int{2, 1, 0}},
	}
	for _, row := range rows {
		row.filter.Limit = 10
		found, err := s.DeadLetters(t.Context(), row.filter)
		require.NoError(t, err)
		var got []int
		for _, l := range found {
			got = append(got, l.DiedAt.Second())
		}
		require.Equal(t, row.want, got, "%+v", row.filter)
	}
}

// unknown is a payment with an unknown outcome, and its dead letter.
func (s *Store) unknown(t *testing.T, key string) deadletter.Message {
	t.Helper()
	p := newPayment(key)
	_, _, err := s.OpenPayment(t.Context(), p)
	require.NoError(t, err)
	_, err = s.Park(t.Context(), p.ID, "silence", timeAt(1))
	require.NoError(t, err)
	l := deadLetter(1)
	l.ID, l.PaymentID = deadletter.NewID(key, ""), p.ID
	l.Source, l.Cause = deadletter.FromWorkflow, deadletter.CauseUnknownOutcome
	return l
}

func TestADeadLetterOfAnUnknownOutcomeIsResolvedWithThePayment(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.unknown(t, "a")
	other := deadLetter(2)
	other.PaymentID = l.PaymentID
	s.keep(t, l, other)
	_, err := s.Park(t.Context(), l.PaymentID, "silence", timeAt(1))
	require.NoError(t, err)
	require.Equal(t, deadletter.Open, s.deadLetter(t, l.ID).State)

	for range 2 {
		_, err = s.Apply(t.Context(), l.PaymentID, answer(l.PaymentID, payment.Approved, 3), timeAt(3))
		require.NoError(t, err)
		resolved := s.deadLetter(t, l.ID)
		require.Equal(t, deadletter.Resolved, resolved.State)
		require.Equal(t, "the payment is approved", resolved.Reason)
		require.Equal(t, onlyWave, resolved.ClosedBy)
	}
	require.Equal(t, deadletter.Open, s.deadLetter(t, other.ID).State, "that one is about something else")
}

func TestADeadLetterThatComesAfterTheOutcomeIsResolvedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.unknown(t, "a")
	_, err := s.Apply(t.Context(), l.PaymentID, answer(l.PaymentID, payment.Approved, 3), timeAt(3))
	require.NoError(t, err)
	require.Equal(t, 1, s.keep(t, l))
	require.Equal(t, deadletter.Resolved, s.deadLetter(t, l.ID).State)
}

// A dead letter that is stored while its payment is moved waits for the move, and the move resolves it.
func TestADeadLetterWaitsForTheMoveOfItsPayment(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.unknown(t, "a")
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), `update payments set status = 'approved' where id = $1`, l.PaymentID)
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), resolveDeadLetters, pgx.NamedArgs{"id": l.PaymentID, "unknown": payment.Unknown, "by": onlyWave})
	require.NoError(t, err)

	kept := make(chan error, 1)
	go func() {
		_, err := s.KeepDeadLetters(t.Context(), []deadletter.Message{l})
		kept <- err
	}()
	const waiting = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
	require.Eventually(t, func() bool { return len(kept) == 1 || s.number(t, waiting) == 1 }, testTimeout, 10*time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-kept)
	require.Equal(t, deadletter.Resolved, s.deadLetter(t, l.ID).State)
}

// The dead letter and the payment agree in the end, in whatever order they come.
func TestADeadLetterAndItsOutcomeMayComeAtOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 40 {
		l := s.unknown(t, fmt.Sprint(i))
		sideBySide(t, 2, func(i int) error {
			if i == 0 {
				_, err := s.KeepDeadLetters(t.Context(), []deadletter.Message{l})
				return err
			}
			_, err := s.Apply(t.Context(), l.PaymentID, answer(l.PaymentID, payment.Approved, 3), timeAt(3))
			return err
		})
		require.Equal(t, deadletter.Resolved, s.deadLetter(t, l.ID).State)
	}
}
