package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// A boleto that is paid with a discount, or late with fine and interest, brings another sum than was asked for.
func TestTheLedgerHasWhatABuyerHasPaid(t *testing.T) {
	t.Parallel()
	for name, sum := range map[string]int64{"a discount": 950, "a fine": 1100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			id := s.open(t, newPayment("paid-"+name)).ID
			state := paid(id, 2)
			net := sum - *state.Fee
			state.AmountPaid, state.Net = sum, &net
			s.look(t, state)
			require.Equal(t, map[payment.Account]int64{"pending": net, "fees": 10, "payable": -sum}, s.accounts(t, id))
			p, err := s.Payment(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, sum, p.Instructions.AmountPaid)
			require.EqualValues(t, 1050, p.Amount.Centavos)
		})
	}
}

// A boleto that is paid twice is told once, however often it is seen, and its status stays.
func TestABoletoPaidTwiceIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("twice")).ID
	s.look(t, paid(id, 2))
	again := paid(id, 3)
	again.Overpaid = 1050
	s.look(t, again)
	again.UpdatedAt = timeAt(4)
	s.look(t, again)
	events, err := s.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.False(t, events[1].Data.Surprising)
	require.Equal(t, payment.Approved, events[2].Status)
	require.True(t, events[2].Data.Surprising)
	require.EqualValues(t, 1050, events[2].Data.Overpaid)
	require.Equal(t, map[payment.Account]int64{"pending": 1040, "fees": 10, "payable": -1050}, s.accounts(t, id))
}

// What is wrong on a boleto is not stored, and a person hears of it. Digits that were right before stay.
func TestABoletoWithWrongDigitsIsTold(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("wrong")).ID
	state := answer(id, payment.Pending, 1)
	state.Slip = payment.Slip{Fault: "the boleto's barcode has wrong digits"}
	s.look(t, state)
	events, err := s.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.True(t, events[1].Data.Surprising)
	state.UpdatedAt, state.Slip = timeAt(2), payment.Slip{Line: "1", Barcode: "2"}
	s.look(t, state)
	state.UpdatedAt, state.Slip = timeAt(3), payment.Slip{Fault: "again"}
	s.look(t, state)
	p, err := s.Payment(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2"}, []string{p.Instructions.DigitableLine, p.Instructions.Barcode})
}
