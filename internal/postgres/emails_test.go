package postgres

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestTheFirstOutcomeOfAnEmailStays(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := payment.NewEmailID("a/receipt")
	_, err := s.Email(t.Context(), id)
	require.Equal(t, failure.NotFound, failure.KindOf(err))

	first := payment.Email{ID: id, Notice: payment.Receipt, PaymentID: payment.NewID("shop", "a"), Outcome: payment.EmailSent, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	second := first
	second.Outcome = payment.EmailRefused
	for _, e := range []payment.Email{first, second} {
		require.NoError(t, s.KeepEmail(t.Context(), e))
		kept, err := s.Email(t.Context(), id)
		require.NoError(t, err)
		kept.At = kept.At.UTC()
		require.Equal(t, first, kept)
	}
}
