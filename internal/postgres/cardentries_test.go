package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// awaitsCard opens a payment whose buyer enters the card on the pay page.
func (s *Store) awaitsCard(t *testing.T, key string) payment.Payment {
	t.Helper()
	p := newPayment(key)
	p.Method = payment.Method{Type: payment.Card, ExpiresIn: 3600, Card: &payment.CardMethod{OnPage: true, Installments: 3}}
	p.Fingerprint, p.Status = p.Request.Fingerprint(), payment.Pending
	p.Instructions.ExpiresAt = p.CardEnd()
	return s.open(t, p)
}

var entry = payment.CardEntry{Brand: "visa", Installments: 2}

func (s *Store) takeCard(t *testing.T, id, print string, second int) CardTaken {
	t.Helper()
	taken, err := s.TakeCard(t.Context(), id, entry, print, timeAt(second))
	require.NoError(t, err)
	return taken
}

// A card is taken once, whatever is repeated; no other is taken before the provider has said that it took no money.
func TestACardIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.awaitsCard(t, "entered").ID
	operations, err := s.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, operations, "nothing is charged yet")

	first := s.takeCard(t, id, "one", 10)
	require.True(t, first.New)
	require.Equal(t, payment.Processing, first.Status)
	again := s.takeCard(t, id, "one", 11)
	require.False(t, again.New)
	require.True(t, again.Current)
	require.Nil(t, again.Event)
	other := s.takeCard(t, id, "two", 12)
	require.False(t, other.New)
	require.NotEmpty(t, other.Why)

	for range 2 {
		_, err := s.RejectCard(t.Context(), id, 1, "7", "cc_rejected_other_reason", timeAt(13))
		require.NoError(t, err)
	}
	charges, err := s.CardCharges(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, charges, 1)
	require.Equal(t, "7", charges[0].ProviderID)
	require.Equal(t, 3, s.read(t, id).Version, "opened, taken, rejected")

	known := s.takeCard(t, id, "one", 14)
	require.False(t, known.New)
	require.Equal(t, payment.Pending, known.Status, "it was charged before")
	second := s.takeCard(t, id, "two", 15)
	require.True(t, second.New)
	_, err = s.RejectCard(t.Context(), id, 1, "7", "cc_rejected_other_reason", timeAt(16))
	require.NoError(t, err)
	require.Equal(t, payment.Processing, s.read(t, id).Status, "a late answer about the first says nothing about the second")

	s.apply(t, id, answer(id, payment.Approved, 20))
	p := s.read(t, id)
	require.Equal(t, payment.Entered{CardEntry: entry, Attempt: 2}, *p.Instructions.Entered)
	require.Zero(t, p.Instructions.ExpiresAt, "the time to enter a card says nothing any more")
	operations, err = s.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []payment.Outcome{payment.OutcomeRefused, payment.OutcomeDone}, []payment.Outcome{operations[0].Outcome, operations[1].Outcome})
	require.Equal(t, map[payment.Account]int64{payment.AccountPayable: -1050, payment.AccountPending: 1050}, s.accounts(t, id))
}

// No card is taken after the end, or after the last that may be tried.
func TestACardIsTakenInTime(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	late := s.awaitsCard(t, "late").ID
	require.NotEmpty(t, s.takeCard(t, late, "one", 3600).Why)
	for range 2 {
		_, err := s.EndEntry(t.Context(), late, payment.Expired, timeAt(3601))
		require.NoError(t, err)
	}
	require.Equal(t, payment.Expired, s.read(t, late).Status)
	require.Equal(t, 2, s.read(t, late).Version)
	require.NotEmpty(t, s.takeCard(t, late, "one", 5).Why)

	many := s.awaitsCard(t, "many").ID
	for i := range payment.CardAttempts {
		require.True(t, s.takeCard(t, many, string(rune('a'+i)), i).New)
		_, err := s.RejectCard(t.Context(), many, i+1, "", "refused", timeAt(i))
		require.NoError(t, err)
	}
	require.NotEmpty(t, s.takeCard(t, many, "z", 10).Why)
}

// A charge whose answer is lost keeps other cards away, and may still turn out to be rejected.
func TestAnUnknownCardKeepsOthersAway(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.awaitsCard(t, "unknown").ID
	s.takeCard(t, id, "one", 1)
	_, err := s.RejectCard(t.Context(), id, 1, "7", "cc_rejected_other_reason", timeAt(2))
	require.NoError(t, err)
	s.takeCard(t, id, "two", 3)
	_, err = s.Park(t.Context(), id, "lost", timeAt(4))
	require.NoError(t, err)
	operations, err := s.Operations(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []payment.Outcome{payment.OutcomeRefused, payment.OutcomeUnknown}, []payment.Outcome{operations[0].Outcome, operations[1].Outcome})
	require.NotEmpty(t, s.takeCard(t, id, "three", 5).Why)
	_, err = s.EndEntry(t.Context(), id, payment.Expired, timeAt(6))
	require.NoError(t, err)
	require.Equal(t, payment.Unknown, s.read(t, id).Status)
	_, err = s.RejectCard(t.Context(), id, 2, "8", "cc_rejected_other_reason", timeAt(7))
	require.NoError(t, err)
	require.True(t, s.read(t, id).AwaitsCard())
	require.True(t, s.takeCard(t, id, "three", 8).New)
}
