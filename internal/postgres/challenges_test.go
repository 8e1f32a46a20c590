package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// The challenge is shown as long as the payment waits for it, also when a later answer lacks the page, and is gone afterwards.
func TestAChallengeIsKeptWhileItWaits(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	p := newPayment("challenged")
	p.Method = payment.Method{Type: payment.Card, Card: &payment.CardMethod{Brand: "visa", Installments: 1, ThreeDSecure: payment.ThreeDSecureOptional}}
	p.Fingerprint = p.Request.Fingerprint()
	id := s.open(t, p).ID
	state := answer(id, payment.Pending, 10)
	state.ExpiresAt, state.Challenge = timeAt(500), &payment.Challenge{URL: "https://acs.bank.example/7", CReq: "eyJhIjoxfQ"}
	s.apply(t, id, state)
	without := state
	without.Challenge, without.UpdatedAt = &payment.Challenge{}, timeAt(20)
	s.apply(t, id, without)
	p = s.read(t, id)
	require.Equal(t, state.Challenge, p.Instructions.Challenge)
	require.True(t, p.Challenged())

	reserved := answer(id, payment.Authorized, 40)
	reserved.ExpiresAt = timeAt(900)
	s.look(t, reserved)
	p = s.read(t, id)
	require.Nil(t, p.Instructions.Challenge)
	require.Equal(t, timeAt(900), p.Instructions.ExpiresAt, "the end of the challenge is not that of the reservation")
	require.False(t, p.Challenged())
}
