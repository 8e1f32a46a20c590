package mercadopago

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// somePayment was created just now, so that a simulator's clock agrees with its expiry.
func somePayment(key string) payment.Payment {
	return payment.Payment{
		ID: payment.NewID("app", key),
		Request: payment.Request{
			Amount:      payment.Money{Centavos: 1050, Currency: payment.BRL},
			Description: "Order 1042",
			Reference:   "order-1042",
			Method:      payment.Method{Type: payment.Pix, ExpiresIn: 3600},
			Payer:       payment.Payer{Email: "ana@example.com", Name: "Ana Maria de Souza", TaxID: "12345678909"},
		},
		CreatedAt: time.Now(),
	}
}

func TestPixRequestIsWhatMercadoPagoWants(t *testing.T) {
	t.Parallel()
	c, err := New(Config{AccessToken: "TEST-1", NotificationURL: "https://pay.example.com/webhooks/mercadopago"})
	require.NoError(t, err)
	p := somePayment("k")
	p.ID = "6f1c8d5e-1111-5abc-9def-0123456789ab"
	p.CreatedAt = time.Date(2026, 11, 23, 12, 0, 0, 987_654_321, time.UTC)

	body, err := json.Marshal(c.pixRequest(ChargeRequest{Payment: p}))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"transaction_amount": 10.5,
		"payment_method_id": "pix",
		"external_reference": "6f1c8d5e-1111-5abc-9def-0123456789ab",
		"description": "Order 1042",
		"date_of_expiration": "2026-11-23T10:00:00.001-03:00",
		"notification_url": "https://pay.example.com/webhooks/mercadopago?payment_id=6f1c8d5e-1111-5abc-9def-0123456789ab&source_news=webhooks",
		"payer": {"email": "ana@example.com", "first_name": "Ana", "last_name": "Maria de Souza", "identification": {"type": "CPF", "number": "12345678909"}},
		"metadata": {"payment_id": "6f1c8d5e-1111-5abc-9def-0123456789ab"}
	}`, string(body))
}

func TestPixRequestOfABarePayment(t *testing.T) {
	t.Parallel()
	c, err := New(Config{AccessToken: "TEST-1"})
	require.NoError(t, err)
	p := payment.Payment{ID: "p", Request: payment.Request{
		Amount: payment.Money{Centavos: 1}, Payer: payment.Payer{Email: "a@b.c", Name: "Ana", TaxID: "12ABC34501DE35"},
	}, CreatedAt: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}

	r := c.pixRequest(ChargeRequest{Payment: p})
	require.Equal(t, "Payment p", r.Description)
	require.Equal(t, "CNPJ", r.Payer.Identification.Type)
	require.Equal(t, "Ana", r.Payer.FirstName)
	require.Empty(t, r.Payer.LastName)
	require.Empty(t, r.NotificationURL)

	p.Reference, p.Payer.TaxID = "order-7", ""
	r = c.pixRequest(ChargeRequest{Payment: p})
	require.Equal(t, "Payment order-7", r.Description)
	require.Nil(t, r.Payer.Identification)
}

func TestTheRequestHasThePayersAddress(t *testing.T) {
	t.Parallel()
	c, err := New(Config{AccessToken: "TEST-1"})
	require.NoError(t, err)
	p := somePayment("k")
	p.Payer.Address = payment.Address{
		ZipCode: "01310100", Street: "Avenida Paulista", Number: "1000", Neighborhood: "Bela Vista", City: "São Paulo", State: "SP",
	}
	body, err := json.Marshal(c.pixRequest(ChargeRequest{Payment: p}).Payer.Address)
	require.NoError(t, err)
	require.JSONEq(t, `{"zip_code": "01310100", "street_name": "Avenida Paulista", "street_number": "1000", "neighborhood": "Bela Vista",
		"city": "São Paulo", "federal_unit": "SP"}`, string(body))
}

// A charge may wait for the provider until the Pix's own end, and Mercado Pago wants half an hour from then: its end is that much
// later, up to the thirty days that it allows.
func TestAPixHasRoomBehindItsOwnEnd(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 11, 23, 12, 0, 0, 999_999_000, time.UTC)
	for seconds, want := range map[int]string{
		1800:    "2026-11-23T10:01:00.001-03:00",
		86400:   "2026-11-24T09:31:00.001-03:00",
		2590000: "2026-12-23T08:57:40.001-03:00",
		2592000: "2026-12-23T08:59:00.001-03:00", // for a clock of ours that is ahead
	} {
		p := payment.Payment{Request: payment.Request{Method: payment.Method{Type: payment.Pix, ExpiresIn: seconds}}, CreatedAt: created}
		p.Instructions.ExpiresAt = p.Method.End(p.CreatedAt)
		for range 2 {
			text, err := providerDate(p.PixEnd()).MarshalText()
			require.NoError(t, err)
			require.Equal(t, want, string(text))
			p.CreatedAt = p.CreatedAt.In(time.FixedZone("x", 3600)) // as a database gives it back
		}
	}
}

// A payment from before its own end was kept sends what it has sent: the same body under the same key.
func TestPixExpiryOfAPaymentFromBefore(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 11, 23, 12, 0, 0, 999_999_999, time.UTC)
	for seconds, want := range map[int]string{
		0:       "2026-11-23T09:31:00.001-03:00",
		1800:    "2026-11-23T09:31:00.001-03:00",
		1860:    "2026-11-23T09:31:00.001-03:00",
		1861:    "2026-11-23T09:31:01.001-03:00",
		2592000: "2026-12-23T09:00:00.001-03:00",
	} {
		p := payment.Payment{Request: payment.Request{Method: payment.Method{ExpiresIn: seconds}}, CreatedAt: created}
		text, err := providerDate(p.PixEnd()).MarshalText()
		require.NoError(t, err)
		require.Equal(t, want, string(text))
		p.CreatedAt = created.Truncate(time.Microsecond).In(time.FixedZone("x", 3600)) // as a database gives it back
		again, err := providerDate(p.PixEnd()).MarshalText()
		require.NoError(t, err)
		require.Equal(t, want, string(again))
	}
}

func TestConfigurationErrorsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"access token is empty":  {},
		"line break":             {AccessToken: "TEST-1\n"},
		"timeout is negative":    {AccessToken: "t", Timeout: -1},
		"must begin with https:": {AccessToken: "t", BaseURL: "api.mercadopago.com"},
		"base URL":               {AccessToken: "t", BaseURL: "ftp://x"},
		"a host only":            {AccessToken: "t", BaseURL: "https://x/v1"},
		"name a host":            {AccessToken: "t", BaseURL: "https://"},
		"notification URL":       {AccessToken: "t", NotificationURL: "/webhooks"},
		"fragment":               {AccessToken: "t", NotificationURL: "https://x/#y"},
		"too long by 8":          {AccessToken: "t", NotificationURL: "https://x/" + strings.Repeat("y", 248-10-len("?payment_id=&source_news=webhooks")-36+8)},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
	_, err := New(Config{AccessToken: "t", BaseURL: "http://127.0.0.1:8080/", NotificationURL: "https://x/y?z=1"})
	require.NoError(t, err)
}
