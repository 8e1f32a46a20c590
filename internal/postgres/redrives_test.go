package postgres

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestARedriveTakesEachLetterOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 10 {
		s.keep(t, letter(i))
	}
	survey, err := s.SurveyDeadLetters(t.Context(), payment.LetterFilter{Cause: payment.CauseInvalid})
	require.NoError(t, err)
	require.Equal(t, []payment.CauseCount{{Cause: payment.CauseInvalid, Letters: 10}}, survey.Causes)
	late := letter(11)
	s.keep(t, late)
	take := RedriveTake{RedriveID: payment.NewRedriveID("ana", "1"), Actor: "ana", Reason: "mended", Before: survey.At, Upto: 4}

	for range 2 { // a killed worker's step is done again
		sending, err := s.TakeForRedrive(t.Context(), take)
		require.NoError(t, err)
		require.Len(t, sending, 4)
	}
	sending, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	ids := idsOf(sending)
	require.NoError(t, s.SettleRedrive(t.Context(), take.RedriveID, ids[:3], ids[3:], []string{"no queue"}))
	require.Equal(t, payment.RedriveStanding{Taken: 4, Sent: 3, Failed: 1, Left: 6}, s.standing(t, take))
	require.Equal(t, payment.LetterOpen, s.letter(t, ids[3]).State)
	redriven := s.letter(t, ids[0])
	require.Equal(t, []any{payment.LetterRedriven, "ana", "mended"}, []any{redriven.State, redriven.ClosedBy, redriven.Reason})
	done, err := s.Redrives(t.Context(), ids[3])
	require.NoError(t, err)
	require.Equal(t, []payment.Redrive{{RedriveID: take.RedriveID, LetterID: ids[3], Actor: "ana", Reason: "mended", At: done[0].At,
		Outcome: payment.RedriveFailed, Error: "no queue"}}, done)

	again := redriven
	again.Deaths++
	s.keep(t, again)
	require.Equal(t, payment.RedriveStanding{Taken: 4, Sent: 3, Failed: 1, DiedAgain: 1, Left: 6}, s.standing(t, take))

	take.Upto = 100
	sending, err = s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	require.Len(t, sending, 6, "neither what failed, nor what died again, nor what died too late")
	require.NoError(t, s.AbandonRedrive(t.Context(), take.RedriveID, "cancelled"))
	require.Equal(t, payment.RedriveStanding{Taken: 10, Sent: 3, Failed: 7, DiedAgain: 1}, s.standing(t, take))
	require.Equal(t, 9, s.number(t, `select count(*) from dead_letters where state = 'open'`))
}

// What died again before its sending was written down is settled, and not sent once more.
func TestALetterThatDiesWhileItIsSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	l := letter(1)
	s.keep(t, l)
	survey, err := s.SurveyDeadLetters(t.Context(), payment.LetterFilter{})
	require.NoError(t, err)
	take := RedriveTake{RedriveID: payment.NewRedriveID("ana", "1"), Actor: "ana", Before: survey.At, Upto: 1}
	_, err = s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	l.Deaths++
	s.keep(t, l)
	sending, err := s.TakeForRedrive(t.Context(), take)
	require.NoError(t, err)
	require.Empty(t, sending)
	require.Equal(t, payment.RedriveStanding{Taken: 1, Sent: 1, DiedAgain: 1}, s.standing(t, take))
	require.NoError(t, s.AbandonRedrive(t.Context(), take.RedriveID, "cancelled"))
	require.Equal(t, payment.RedriveStanding{Taken: 1, Sent: 1, DiedAgain: 1}, s.standing(t, take))
}

func TestTwoRedrivesOfOneLetterAreOne(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for i := range 20 {
		s.keep(t, letter(i))
	}
	survey, err := s.SurveyDeadLetters(t.Context(), payment.LetterFilter{})
	require.NoError(t, err)
	var taken atomic.Int64
	sideBySide(t, 4, func(i int) error {
		sending, err := s.TakeForRedrive(t.Context(), RedriveTake{RedriveID: payment.NewRedriveID("ana", fmt.Sprint(i)), Before: survey.At, Upto: 100})
		taken.Add(int64(len(sending)))
		return err
	})
	require.EqualValues(t, 20, taken.Load())
	require.Equal(t, 20, s.number(t, `select count(*) from redrives`))
}

func (s *Store) standing(t *testing.T, take RedriveTake) payment.RedriveStanding {
	t.Helper()
	standing, err := s.Standing(t.Context(), take)
	require.NoError(t, err)
	return standing
}

func idsOf(letters []payment.DeadLetter) []string {
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}
