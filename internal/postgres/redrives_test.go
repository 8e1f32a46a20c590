package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestARedriveTakesEachDeadLetterOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 10 {
		s.keep(t, deadLetter(i))
	}
	survey, err := s.SurveyDeadLetters(t.Context(), deadletter.Filter{Cause: deadletter.CauseInvalid})
	require.NoError(t, err)
	require.Equal(t, []deadletter.CauseCount{{Cause: deadletter.CauseInvalid, Count: 10}}, survey.Causes)
	late := deadLetter(11)
	s.keep(t, late)
	take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", "1"), Actor: "ana", Reason: "mended", Before: survey.At, Upto: 4}

	for range 2 { // a killed worker's activity is repeated
		sending, err := s.TakeForRedrive(t.Context(), take)
		require.NoError(t, err)
		require.Len(t, sending, 4)
	}
	sending, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	ids := idsOf(sending)
	require.NoError(t, s.SettleRedrive(t.Context(), take.RedriveID, ids[:3], ids[3:], []string{"no queue"}))
	require.Equal(t, deadletter.Progress{Taken: 4, Sent: 3, Failed: 1, Left: 6}, s.standing(t, take))
	require.Equal(t, deadletter.Open, s.deadLetter(t, ids[3]).State)
	redriven := s.deadLetter(t, ids[0])
	require.Equal(t, []any{deadletter.Redriven, "ana", "mended"}, []any{redriven.State, redriven.ClosedBy, redriven.Reason})
	done, err := s.Redrives(t.Context(), ids[3])
	require.NoError(t, err)
	require.Equal(t, []deadletter.Redrive{{RedriveID: take.RedriveID, DeadLetterID: ids[3], Actor: "ana", Reason: "mended", At: done[0].At,
		Outcome: deadletter.RedriveFailed, Error: "no queue"}}, done)

	again := redriven
	again.Deaths++
	s.keep(t, again)
	require.Equal(t, deadletter.Progress{Taken: 4, Sent: 3, Failed: 1, DiedAgain: 1, Left: 6}, s.standing(t, take))

	take.Upto = 100
	sending, err = s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	require.Len(t, sending, 6, "neither what failed, nor what died again, nor what died too late")
	require.NoError(t, s.AbandonRedrive(t.Context(), take.RedriveID, "cancelled"))
	require.Equal(t, deadletter.Progress{Taken: 10, Sent: 3, Failed: 7, DiedAgain: 1}, s.standing(t, take))
	require.Equal(t, 9, s.number(t, `select count(*) from dead_letters where state = 'open'`))
}

// A message that died again before its sending was stored is settled, and not sent again.
func TestADeadLetterThatDiesWhileItIsSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	s.keep(t, l)
	survey, err := s.SurveyDeadLetters(t.Context(), deadletter.Filter{})
	require.NoError(t, err)
	take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", "1"), Actor: "ana", Before: survey.At, Upto: 1}
	_, err = s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	l.Deaths++
	s.keep(t, l)
	sending, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	require.Empty(t, sending)
	require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1, DiedAgain: 1}, s.standing(t, take))
	require.NoError(t, s.AbandonRedrive(t.Context(), take.RedriveID, "cancelled"))
	require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1, DiedAgain: 1}, s.standing(t, take))
}

func TestTwoRedrivesOfOneDeadLetterAreOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 20 {
		s.keep(t, deadLetter(i))
	}
	survey, err := s.SurveyDeadLetters(t.Context(), deadletter.Filter{})
	require.NoError(t, err)
	var taken atomic.Int64
	sideBySide(t, 4, func(i int) error {
		sending, err := s.TakeForRedrive(t.Context(), deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", fmt.Sprint(i)), Before: survey.At, Upto: 100})
		taken.Add(int64(len(sending)))
		return err
	})
	require.EqualValues(t, 20, taken.Load())
	require.Equal(t, 20, s.number(t, `select count(*) from redrives`))
}

// redriven takes all that is open now, and says that it was sent.
func (s *Store) redriven(t *testing.T, number string) deadletter.Batch {
	t.Helper()
	survey, err := s.SurveyDeadLetters(t.Context(), deadletter.Filter{})
	require.NoError(t, err)
	take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", number), Actor: "ana", Before: survey.At, Upto: 100}
	sending, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.SettleRedrive(t.Context(), take.RedriveID, idsOf(sending), nil, nil))
	}
	return take
}

// A payment that dies again has a dead letter of another run.
func TestAPaymentThatDiesAgainIsCounted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := deadLetter(1)
	l.Source, l.Cause = deadletter.FromWorkflow, deadletter.CauseContradiction
	s.keep(t, l, deadLetter(2))
	take := s.redriven(t, "1")
	require.Equal(t, deadletter.Progress{Taken: 2, Sent: 2}, s.standing(t, take))

	webhooks, another := deadLetter(3), deadLetter(4)
	webhooks.PaymentID = l.PaymentID
	another.Source, another.PaymentID = deadletter.FromWorkflow, payment.NewID("shop", "another")
	s.keep(t, webhooks, another)
	require.Zero(t, s.standing(t, take).DiedAgain, "those are about something else")

	again := l
	again.ID, again.RunID = deadletter.NewID("the next run's", ""), "next"
	s.keep(t, again)
	require.Equal(t, deadletter.Progress{Taken: 2, Sent: 2, DiedAgain: 1}, s.standing(t, take))
}

// The next look at the payment may find nothing. Until the outcome is known, operators see the dead letter.
func TestADeadLetterOfAnUnknownOutcomeOutlivesARedrive(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := s.unknown(t, "a")
	s.keep(t, l)
	for _, number := range []string{"1", "2"} {
		take := s.redriven(t, number)
		require.Equal(t, deadletter.Open, s.deadLetter(t, l.ID).State)
		require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1}, s.standing(t, take), "it is not sent twice, and has not died again")
	}
	_, err := s.Apply(t.Context(), l.PaymentID, answer(l.PaymentID, payment.Approved, 3), timeAt(3))
	require.NoError(t, err)
	require.Equal(t, deadletter.Resolved, s.deadLetter(t, l.ID).State)
}

// A payment with a known outcome has no open dead letter of an unknown outcome, in whatever order the two come.
func TestARedriveAndTheOutcomeMayComeAtOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 40 {
		l := s.unknown(t, fmt.Sprint(i))
		s.keep(t, l)
		take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", fmt.Sprint(i)), Actor: "ana", Before: s.deadLetter(t, l.ID).ReceivedAt, Upto: 100}
		_, err := s.TakeForRedrive(t.Context(), take)
		require.NoError(t, err)
		sideBySide(t, 2, func(i int) error {
			if i == 0 {
				return s.SettleRedrive(t.Context(), take.RedriveID, []string{l.ID}, nil, nil)
			}
			_, err := s.Apply(t.Context(), l.PaymentID, answer(l.PaymentID, payment.Approved, 3), timeAt(3))
			return err
		})
		require.Equal(t, deadletter.Resolved, s.deadLetter(t, l.ID).State)
	}
}

// A redrive that was terminated leaves its dead letters claimed. They are opened again when it has been sending for too long.
func TestStrandedDeadLettersAreOpenedAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	old, diedAgain, fresh := deadLetter(1), deadLetter(2), deadLetter(3)
	s.keep(t, old, diedAgain)
	take := deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", "1"), Actor: "ana", Before: time.Now().Add(time.Hour), Upto: 100}
	_, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	_, err = s.pool.Exec(t.Context(), `update redrives set at = now() - interval '2 minutes'`)
	require.NoError(t, err)
	diedAgain.Deaths++
	s.keep(t, diedAgain, fresh)
	_, err = s.TakeForRedrive(t.Context(), deadletter.Batch{RedriveID: deadletter.NewRedriveID("ana", "2"), Before: take.Before, Filter: deadletter.Filter{IDs: []string{fresh.ID}}, Upto: 1})
	require.NoError(t, err)

	for _, sending := range [][]string{{take.RedriveID}, {}} {
		long, err := s.Redriving(t.Context(), time.Minute)
		require.NoError(t, err)
		require.Equal(t, sending, long)
		require.NoError(t, s.AbandonRedrive(t.Context(), take.RedriveID, "terminated"))
		require.Equal(t, deadletter.Open, s.deadLetter(t, old.ID).State)
		require.Equal(t, deadletter.Open, s.deadLetter(t, diedAgain.ID).State)
		require.Equal(t, deadletter.Redriven, s.deadLetter(t, fresh.ID).State, "that one may be on its way")
		standing := s.standing(t, take)
		require.Equal(t, []int{1, 1}, []int{standing.Sent, standing.Failed})
	}
}

func (s *Store) standing(t *testing.T, take deadletter.Batch) deadletter.Progress {
	t.Helper()
	standing, err := s.Standing(t.Context(), take)
	require.NoError(t, err)
	return standing
}

func idsOf(deadLetters []deadletter.Message) []string {
	var ids []string
	for _, l := range deadLetters {
		ids = append(ids, l.ID)
	}
	return ids
}
