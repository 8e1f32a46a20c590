package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func boletoCreation(t *testing.T) OpenInput {
	t.Helper()
	in := creation(t)
	r := &in.Creation.Request
	r.Method = payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{Fine: 200}}
	r.Payer.Address = payment.Address{
		ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP",
	}
	*r = r.Normalized()
	return in
}

// seen asks the provider and applies what it says, twice, as an activity may run.
func (w env) seen(t *testing.T, in OpenInput, providerID string) Moved {
	t.Helper()
	var m Moved
	for range 2 {
		seen, err := w.Look(t.Context(), LookInput{PaymentID: in.PaymentID, ProviderPaymentID: providerID, Money: money})
		require.NoError(t, err)
		m, err = w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: seen.State, Looked: true})
		require.NoError(t, err)
	}
	return m
}

// The second payment of a boleto is told to operators, once, and changes nothing else.
func TestABoletoIsPaidTwice(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), boletoCreation(t)
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID})
	require.NoError(t, err)
	require.Equal(t, payment.Pending, w.seen(t, in, charged.PaymentID).Status)
	p, err := w.database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.True(t, p.KeepsEnd(), "the end is ours, and not the provider's")
	barcode, ok := payment.BarcodeOf(p.Instructions.DigitableLine)
	require.True(t, ok)
	require.Equal(t, p.Instructions.Barcode, barcode)

	require.NoError(t, w.provider.Pay(charged.PaymentID))
	require.Equal(t, payment.Approved, w.seen(t, in, charged.PaymentID).Status)
	require.NoError(t, w.provider.PayAgain(charged.PaymentID))
	require.Equal(t, payment.Approved, w.seen(t, in, charged.PaymentID).Status)

	require.Equal(t, []string{"payment.processing", "payment.pending", "payment.approved", "payment.approved"}, w.eventTypes(t, in.PaymentID))
	events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
	require.NoError(t, err)
	require.False(t, events[2].Data.Surprising)
	require.True(t, events[3].Data.Surprising)
	require.EqualValues(t, 1050, events[3].Data.Overpaid)
}

// A boleto is paid early, with a discount. What goes back is what the buyer has paid, and not more.
func TestABoletoWithADiscountIsRefunded(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), boletoCreation(t)
	due := time.Now().AddDate(0, 0, 10)
	in.Creation.Request.Method.Boleto = &payment.BoletoMethod{
		DueDate: due.Format(time.DateOnly), Discount: payment.Discount{Amount: 50, Until: due.AddDate(0, 0, -5).Format(time.DateOnly)},
	}
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID})
	require.NoError(t, err)
	w.seen(t, in, charged.PaymentID)
	require.NoError(t, w.provider.Pay(charged.PaymentID))
	require.Equal(t, payment.Approved, w.seen(t, in, charged.PaymentID).Status)

	order := func(key string, r payment.RefundRequest) OrderInput {
		r.IdempotencyKey = key
		return OrderInput{Order: command.Order{PaymentID: in.PaymentID, Command: command.Refund, ID: key, Actor: "ana", Reason: "r", Refund: &r}}
	}
	_, err = w.AskRefund(t.Context(), order("too-much", payment.RefundRequest{Amount: money.Centavos}))
	requireActivityError(t, err, failure.Invalid, false)
	asked, err := w.AskRefund(t.Context(), order("all", payment.RefundRequest{All: true}))
	require.NoError(t, err)
	require.Equal(t, money.Centavos-50, asked.Amount)
	for range 2 {
		_, err := w.Refund(t.Context(), RefundInput{PaymentID: in.PaymentID, ID: asked.ID, Amount: asked.Amount})
		require.NoError(t, err)
	}
	require.Equal(t, payment.Refunded, w.seen(t, in, charged.PaymentID).Status)
	ledger, err := w.database.Ledger(t.Context(), in.PaymentID)
	require.NoError(t, err)
	kept := int64(0)
	for _, e := range ledger {
		if e.Account == payment.AccountPayable || e.Account == payment.AccountRefunds {
			kept += e.Amount
		}
	}
	require.Zero(t, kept, "all that was paid went back")
}

// A boleto is paid after its end, with the fine. The money goes back once, when the client app has asked for that.
func TestABoletoIsPaidLate(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]payment.LatePayment{"keep": payment.KeepLate, "refund": payment.RefundLate} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, in := newEnv(t), boletoCreation(t)
			in.Creation.Request.LatePayment = late
			_, err := w.Open(t.Context(), in)
			require.NoError(t, err)
			charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID})
			require.NoError(t, err)
			w.seen(t, in, charged.PaymentID)
			require.NoError(t, w.provider.Expire(charged.PaymentID))
			require.Equal(t, payment.Expired, w.seen(t, in, charged.PaymentID).Status)
			require.NoError(t, w.provider.PayLate(charged.PaymentID))
			require.Equal(t, payment.Approved, w.seen(t, in, charged.PaymentID).Status)
			types := []string{"payment.processing", "payment.pending", "payment.expired", "payment.approved"}
			if late == payment.RefundLate {
				types = append(types, "refund.pending")
			}
			require.Equal(t, types, w.eventTypes(t, in.PaymentID))
			events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
			require.NoError(t, err)
			require.True(t, events[3].Data.Late)
			require.False(t, events[3].Data.Surprising)
		})
	}
}

// A line with a wrong digit is not shown. The payment goes on: the buyer has the provider's page.
func TestABoletoWithAWrongLine(t *testing.T) {
	t.Parallel()
	w, in := newEnv(t), boletoCreation(t)
	_, err := w.Open(t.Context(), in)
	require.NoError(t, err)
	w.provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindWrongLine, Times: 1})
	charged, err := w.Charge(t.Context(), ChargeInput{PaymentID: in.PaymentID})
	require.NoError(t, err)
	require.Equal(t, "the boleto's digitable line has wrong digits", charged.Slip.Fault)
	for range 2 {
		m, err := w.Apply(t.Context(), ApplyInput{PaymentID: in.PaymentID, State: charged})
		require.NoError(t, err)
		require.Equal(t, payment.Pending, m.Status)
	}
	p, err := w.database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.Empty(t, p.Instructions.DigitableLine+p.Instructions.Barcode)
	require.NotEmpty(t, p.Instructions.TicketURL)
	events, err := w.database.Events(t.Context(), in.PaymentID, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.True(t, events[1].Data.Surprising)
}
