package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

// A code is shown only while the buyer can pay with it, and else the client app reads why there is none.
func TestACodeIsForABuyerWhoCanPay(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	waiting := Payment{
		Request: Request{Method: Method{Type: Pix}}, Status: Pending, Instructions: Instructions{QRCode: "000201", ExpiresAt: end},
	}
	with := func(change func(*Payment)) Payment {
		p := waiting
		change(&p)
		return p
	}
	for name, row := range map[string]struct {
		payment Payment
		at      time.Time
		kind    failure.Kind
		why     string
	}{
		"can pay":       {waiting, end.Add(-time.Second), "", ""},
		"no end known":  {with(func(p *Payment) { p.Instructions.ExpiresAt = time.Time{} }), end, "", ""},
		"end has come":  {waiting, end, failure.Conflict, "has ended at 2026-11-23T20:00:00Z"},
		"no code given": {with(func(p *Payment) { p.Instructions.QRCode = "" }), end.Add(-time.Second), failure.Conflict, "has given no QR code"},
		"not answered":  {with(func(p *Payment) { p.Status, p.Instructions = Processing, Instructions{} }), end, failure.Conflict, "has not answered yet"},
		"other method":  {with(func(p *Payment) { p.Method.Type = "boleto" }), end, failure.NotFound, "the method boleto has no QR code"},
	} {
		code, err := row.payment.CodeToPay(row.at)
		if row.kind == "" {
			require.NoError(t, err, name)
			require.Equal(t, "000201", code, name)
			continue
		}
		require.Equal(t, row.kind, failure.KindOf(err), name)
		require.ErrorContains(t, err, row.why, name)
		require.Empty(t, code, name)
	}
	for _, status := range Statuses() {
		code, err := with(func(p *Payment) { p.Status = status }).CodeToPay(end.Add(-time.Second))
		require.Equal(t, status == Pending, err == nil, status)
		require.Equal(t, status == Pending, code != "", status)
	}
}
