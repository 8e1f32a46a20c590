package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// wishBoleto is a client app's request for a boleto with a fine, and with a discount for a buyer who pays early.
func wishBoleto(key string) workflows.CreateInput {
	in := wish(key)
	due := time.Now().AddDate(0, 0, 10)
	in.Request.Method = payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{
		DueDate: due.Format(time.DateOnly), Fine: 200, Discount: payment.Discount{Amount: 50, Until: due.AddDate(0, 0, -5).Format(time.DateOnly)},
	}}
	in.Request.Payer = payment.Payer{
		Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909",
		Address: payment.Address{ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP"},
	}
	in.Wait = timeout
	return in
}

// A boleto ends as its buyer pays it, whatever is repeated.
func TestABoletoEndsAsItsBuyerPays(t *testing.T) {
	t.Parallel()
	at, provider := newEnv(t)
	w := openShop(t, at)
	run(t, w)
	for _, row := range []struct {
		name      string
		fullPrice bool                    // no discount
		acts      []func(id string) error // each is followed by a signal, as a webhook makes it
		last      payment.Status
		paid      int64 // centavos, with a discount
		twice     int64 // centavos that came beyond that
		refunds   int
	}{
		{name: "paid-early", acts: []func(string) error{provider.Pay}, last: payment.Approved, paid: 1000},
		{name: "paid-twice", acts: []func(string) error{provider.Pay, provider.PayAgain}, last: payment.Approved, paid: 1000, twice: 1000},
		{name: "expired", acts: []func(string) error{provider.Expire}, last: payment.Expired},
		{name: "paid-late-and-refunded", acts: []func(string) error{provider.Expire, provider.PayLate}, last: payment.Refunded, fullPrice: true, refunds: 1},
	} {
		in := wishBoleto(row.name)
		in.Request.LatePayment = payment.RefundLate
		if row.fullPrice {
			in.Request.Method.Boleto.Discount = payment.Discount{}
		}
		for range 2 {
			answer, err := w.Workflows.Create(t.Context(), in)
			require.NoError(t, err, row.name)
			require.Equal(t, payment.Pending, answer.Status, row.name)
		}
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.NotEmpty(t, p.Instructions.DigitableLine, row.name)
		for _, act := range row.acts {
			require.NoError(t, act(p.Provider.PaymentID), row.name)
			require.NoError(t, w.Workflows.Signal(t.Context(), in.PaymentID))
			w.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		}
		p, err = w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.Equal(t, row.last, p.Status, row.name)
		require.Equal(t, row.paid, p.Instructions.AmountPaid, row.name)
		require.Equal(t, row.twice, p.Instructions.Overpaid, row.name)
		operations, err := w.Database.Operations(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.Len(t, operations, 1+row.refunds, row.name)
	}
}
