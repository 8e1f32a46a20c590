package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheBooksHaveWhatThePaymentsEarned(t *testing.T) {
	t.Parallel()
	a := open(t, Config{ReleaseAfter: time.Hour})
	unpaid, paid, back := a.charge(nil), a.charge(map[string]any{"transaction_amount": 123.45}), a.charge(map[string]any{"transaction_amount": 50})
	require.NoError(t, a.Pay(paid.id()))
	require.NoError(t, a.Pay(back.id()))
	_, err := a.RefundInPanel(back.id(), 2000)
	require.NoError(t, err)

	books := a.Books()
	require.Equal(t, Earned{Gross: 17345, Fees: 172, Refunds: 2000, Net: 15173}, books.Earned)
	require.EqualValues(t, defaultCollector, books.CollectorID)
	require.Len(t, books.Payments, 2, "%s is not paid", unpaid.id())
	require.Equal(t, Earned{Gross: 5000, Fees: 50, Refunds: 2000, Net: 2950}, books.Payments[1].Earned)

	p := a.get(paid.id())
	require.Equal(t, "pending", p["money_release_status"])
	require.Equal(t, time.Hour, p.date(t, "money_release_date").Sub(p.date(t, "date_approved")))
	require.WithinDuration(t, p.date(t, "money_release_date"), books.Payments[0].ReleasedAt, time.Millisecond)
}

func TestFeesMayBeMissingOrWrong(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	id := a.charge(map[string]any{"transaction_amount": 100}).id()
	require.NoError(t, a.Pay(id))
	a.AddFault(Fault{On: Get, Kind: KindNoFees, Times: 1})
	a.AddFault(Fault{On: Get, Kind: KindWrongNet, Times: 1})
	require.Empty(t, a.get(id)["fee_details"])
	require.Equal(t, 99.00, a.get(id).at("transaction_details.net_received_amount"))
	require.Equal(t, 99.01, a.get(id).at("transaction_details.net_received_amount"))
}
