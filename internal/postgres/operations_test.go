package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// An operation counts as sent as long as one attempt may have sent it, in whichever order attempts begin and are taken back.
func TestOnlyTheSoleAttemptIsTakenBack(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, back := range map[string][]int{ // which of two attempts are taken back; after all of these it counts as sent
		"none":             nil,
		"the first":        {0},
		"the second":       {1},
		"both":             {0, 1}, // each knows that another one was there
		"the second first": {1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := payment.ProviderKey(s.open(t, newPayment(name)).ID, payment.Charge, 1)
			send := func() Sending {
				sending, err := s.SendOperation(t.Context(), key, timeAt(20)) // by clocks that are alike
				require.NoError(t, err)
				return sending
			}
			alone := send()
			require.False(t, alone.Before)
			require.NoError(t, s.NotSent(t.Context(), key, alone))
			attempts := []Sending{send(), send()}
			require.Equal(t, []bool{false, true}, []bool{attempts[0].Before, attempts[1].Before})
			require.NoError(t, s.NotSent(t.Context(), key, alone), "again")
			for _, i := range back {
				require.NoError(t, s.NotSent(t.Context(), key, attempts[i]))
			}
			require.True(t, send().Before)
		})
	}
	lost, err := s.SendOperation(t.Context(), payment.NewID("shop", "lost"), timeAt(20))
	require.NoError(t, err)
	require.True(t, lost.Before)
}
