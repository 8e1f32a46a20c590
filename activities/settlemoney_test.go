package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// accounts are the balances of a payment's accounts in the ledger.
func (w env) accounts(t *testing.T, id string) map[payment.Account]int64 {
	t.Helper()
	entries, err := w.database.Ledger(t.Context(), id)
	require.NoError(t, err)
	accounts := map[payment.Account]int64{}
	for _, e := range entries {
		accounts[e.Account] = e.Balance
	}
	return accounts
}

// Mercado Pago's fees and release date go all the way into the ledger. Money is settled once, however often the activity runs.
func TestReleasedMoneyIsSettledOnce(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: id})
	require.NoError(t, err)
	require.NoError(t, w.provider.Pay(charged.PaymentID))
	w.arm(id, simulator.Fault{On: simulator.Get, Kind: simulator.KindNoFees, Times: 1})
	look := func() error {
		in := LookInput{PaymentID: id, ProviderPaymentID: charged.PaymentID, Money: charged.Money}
		seen, err := w.Look(t.Context(), in)
		if err == nil {
			_, err = w.Apply(t.Context(), ApplyInput{PaymentID: id, State: seen.State, Looked: true})
		}
		return err
	}
	require.NoError(t, look())
	gross := charged.Money.Centavos
	require.Equal(t, map[payment.Account]int64{"pending": gross, "payable": -gross}, w.accounts(t, id), "the fee is not known yet")

	w.arm(id, simulator.Fault{On: simulator.Get, Kind: simulator.KindWrongNet, Times: 1})
	err = look()
	require.Equal(t, failure.Conflict, failure.Kind(application(t, err).Type()))
	require.ErrorContains(t, err, "do not add up")
	require.Equal(t, gross, w.accounts(t, id)["pending"], "what does not add up posts nothing")

	require.NoError(t, look())
	fee := w.provider.Books().Fees
	require.Positive(t, fee)
	require.Equal(t, map[payment.Account]int64{"pending": gross - fee, "fees": fee, "payable": -gross}, w.accounts(t, id))

	for _, want := range []int{1, 0} {
		out, err := w.SettleMoney(t.Context())
		require.NoError(t, err)
		require.Equal(t, MoneySettled{Payments: want}, out)
	}
	require.Equal(t, map[payment.Account]int64{"pending": 0, "available": gross - fee, "fees": fee, "payable": -gross}, w.accounts(t, id))
	events, err := w.database.Events(t.Context(), id, 0, 10)
	require.NoError(t, err)
	require.Equal(t, "payment.settled", events[len(events)-1].Type())
}
