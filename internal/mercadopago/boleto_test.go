package mercadopago

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func someBoleto(key string) payment.Payment {
	p := somePayment(key)
	p.Method = payment.Method{Type: payment.Boleto, Boleto: &payment.BoletoMethod{}}
	p.Payer.Address = payment.Address{
		ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP",
	}
	return p
}

// The body that Mercado Pago gets, through the SDK: percentages and reais, and the last day of the discount as a day.
func TestBoletoRequestIsWhatMercadoPagoWants(t *testing.T) {
	t.Parallel()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	c, err := New(Config{AccessToken: "TEST-1", BaseURL: server.URL})
	require.NoError(t, err)
	p := someBoleto("k")
	p.ID = "6f1c8d5e-1111-5abc-9def-0123456789ab"
	p.Description = `a text with "limit_date":"2026-12-01T00:00:00Z" in it`
	p.CreatedAt = time.Date(2026, 11, 27, 12, 0, 0, 987_654_321, time.UTC)
	p.Method.Boleto = &payment.BoletoMethod{DueDate: "2026-12-10", Fine: 200, Interest: 33, Discount: payment.Discount{Amount: 105, Until: "2026-12-05"}}

	_, err = c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "k"})
	require.Error(t, err)
	require.JSONEq(t, `{
		"transaction_amount": 10.5,
		"payment_method_id": "bolbradesco",
		"external_reference": "6f1c8d5e-1111-5abc-9def-0123456789ab",
		"description": "a text with \"limit_date\":\"2026-12-01T00:00:00Z\" in it",
		"date_of_expiration": "2026-12-10T23:59:59.001-03:00",
		"payer": {"email": "ana@example.com", "first_name": "Ana", "last_name": "Maria de Souza", "identification": {"type": "CPF", "number": "12345678909"},
			"address": {"zip_code": "01310100", "street_name": "Avenida Paulista", "street_number": "1000", "neighborhood": "Bela Vista",
				"city": "São Paulo", "federal_unit": "SP"}},
		"payment_method": {"data": {"rules": {
			"fine": {"type": "percentage", "value": 2}, "interest": {"type": "percentage", "value": 0.33},
			"discounts": [{"type": "fixed", "value": 1.05, "limit_date": "2026-12-05"}]}}},
		"metadata": {"payment_id": "6f1c8d5e-1111-5abc-9def-0123456789ab"}
	}`, string(body))
}

func TestABoletoWithoutRulesSendsNone(t *testing.T) {
	t.Parallel()
	c, err := New(Config{AccessToken: "TEST-1"})
	require.NoError(t, err)
	require.Nil(t, c.boletoRequest(ChargeRequest{Payment: someBoleto("k")}).PaymentMethod)
}

// What the simulator answers is read whole, and its digits are right by our own count.
func TestABoletoOfTheSimulator(t *testing.T) {
	t.Parallel()
	_, c := simulated(t, simulator.Config{})
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: someBoleto("k"), Key: "k"})
	require.NoError(t, err)
	require.Equal(t, payment.Pending, state.Status)
	require.Empty(t, state.Slip.Fault)
	barcode, ok := payment.BarcodeOf(state.Slip.Line)
	require.True(t, ok)
	require.Equal(t, state.Slip.Barcode, barcode)
	require.EqualValues(t, 1050, payment.BarcodeAmount(barcode))
	require.Contains(t, state.TicketURL, "/pay/"+state.PaymentID)
}

// What the buyer has paid is the seller's only for a boleto: of a card the total has the bank's interest.
func TestWhatABuyerHasPaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, details  string
		paid, overpaid int64
	}{
		"the amount":          {"ticket", `"total_paid_amount": 10.5, "overpaid_amount": 0, "net_received_amount": 7.01`, 0, 0},
		"with a fine":         {"ticket", `"total_paid_amount": 10.71, "net_received_amount": 7.22`, 1071, 0},
		"with a discount":     {"ticket", `"total_paid_amount": 9.45, "net_received_amount": 5.96`, 945, 0},
		"twice":               {"ticket", `"total_paid_amount": 21, "overpaid_amount": 10.5, "net_received_amount": 7.01`, 0, 1050},
		"twice, and got both": {"ticket", `"total_paid_amount": 21, "overpaid_amount": 10.5, "net_received_amount": 17.51`, 2100, 1050},
		"twice, one told":     {"ticket", `"total_paid_amount": 10.5, "overpaid_amount": 10.5, "net_received_amount": 7.01`, 0, 1050},
		"without a total":     {"ticket", `"net_received_amount": 7.01`, 0, 0},
		"by card":             {"credit_card", `"total_paid_amount": 12, "net_received_amount": 7.01`, 0, 0},
	} {
		body := `{"id": 1, "status": "approved", "status_detail": "accredited", "currency_id": "BRL", "payment_type_id": "` + c.kind + `",
			"transaction_amount": 10.5, "date_last_updated": "2026-11-27T12:00:00Z", "fee_details": [{"amount": 3.49, "fee_payer": "collector"}],
			"transaction_details": {` + c.details + `}}`
		state, err := reader{}.payment([]byte(body))
		require.NoError(t, err, name)
		require.Equal(t, []int64{c.paid, c.overpaid}, []int64{state.AmountPaid, state.Overpaid}, name)
		require.Empty(t, state.Contradicts("", "", payment.Money{Centavos: 1050, Currency: payment.BRL}), name)
	}
}
