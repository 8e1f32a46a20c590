package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// boletoBody is a request for a boleto with a due date, so many days from now.
func boletoBody(days int) string {
	due := time.Now().In(time.FixedZone("", -3*60*60)).AddDate(0, 0, days).Format(time.DateOnly)
	return fmt.Sprintf(`{"amount": 10000, "currency": "BRL",
 "method": {"type": "boleto", "due_date": %q, "fine": {"basis_points": 200}, "interest": {"basis_points": 100}},
 "payer": {"email": "ana@example.com", "name": "Ana Souza", "tax_id": "12345678909",
  "address": {"zip_code": "01310-100", "street": "Avenida Paulista", "number": "1000", "neighborhood": "Bela Vista", "city": "São Paulo", "state": "sp"}}}`, due)
}

func TestABoletoIsReadAndShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "k", boletoBody(7))
	require.Equal(t, http.StatusCreated, w.Code, "%s", w.Body)
	asked := f.engine.asked[0].Request
	require.Equal(t, payment.Boleto, asked.Method.Type)
	require.Equal(t, 200, asked.Method.Boleto.Fine)
	require.Equal(t, 100, asked.Method.Boleto.Interest)
	require.Equal(t, "01310100", asked.Payer.Address.ZipCode)
	require.Equal(t, "SP", asked.Payer.Address.State)

	id := decode[Payment](t, w).ID
	f.database.set(id, func(p *payment.Payment) {
		p.Instructions.DigitableLine, p.Instructions.Barcode, p.Instructions.TicketURL = "1", "2", "https://mp.example/3"
		p.Instructions.QRCode, p.Instructions.AmountPaid, p.Instructions.Overpaid = "", 10200, 10000
	})
	shown := decode[Payment](t, f.get(t, "/v1/payments/"+id)).Method
	require.Equal(t, []string{"1", "2", "https://mp.example/3", ""}, []string{shown.DigitableLine, shown.Barcode, shown.PdfURL, shown.TicketURL})
	require.Equal(t, []int{200, 100}, []int{shown.Fine.BasisPoints, shown.Interest.BasisPoints})
	require.Equal(t, []int64{10200, 10000}, []int64{shown.AmountPaid, shown.AmountOverpaid})
	require.NotEmpty(t, shown.DueDate)
}

// The days are asked about once: the same request is no error when it is repeated after the due date.
func TestTheDaysOfABoletoAreThoseOfItsCreation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, days := range []int{0, -1, 32} {
		w := f.create(t, fmt.Sprint("k", days), boletoBody(days))
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, "%s", w.Body)
		require.Equal(t, "/method/due_date", decode[Problem](t, w).Errors[0].Pointer)
	}
	require.Empty(t, f.engine.asked)
	f.database.setUnavailable(errUnavailable)
	require.NotEqual(t, http.StatusUnprocessableEntity, f.create(t, "k", boletoBody(0)).Code, "it may be a repeated one")
}

func TestAPixHasNoFieldsOfABoleto(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.create(t, "k", `{"amount": 1050, "currency": "BRL", "method": {"type": "pix", "due_date": "2026-12-10", "fine": {"basis_points": 1}}, "payer": {"email": "ana@example.com"}}`)
	require.Equal(t, http.StatusUnprocessableEntity, w.Code, "%s", w.Body)
	var found []string
	for _, e := range decode[Problem](t, w).Errors {
		found = append(found, e.Pointer)
	}
	require.Equal(t, []string{"/method/due_date", "/method/fine"}, found)
}
