package mercadopago

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func sale(key string) payment.Checkout {
	return payment.Checkout{
		ID: payment.NewCheckoutID("shop", key), CreatedAt: time.Date(2026, 11, 27, 17, 12, 35, 225101000, time.UTC), CheckoutRequest: payment.CheckoutRequest{
			Amount: payment.Money{Centavos: 15900, Currency: payment.BRL}, Reference: "pedido-1042", Email: "ana@example.com", ExpiresIn: 3600, Installments: 3,
			Items:    []payment.CheckoutItem{{Title: "Camiseta", Quantity: 2, UnitPrice: 4950}, {Title: "Caneca", Quantity: 1, UnitPrice: 6000}},
			Exclude:  []payment.OfferType{payment.OfferBoleto, payment.OfferPix},
			BackURLs: payment.BackURLs{Success: "https://shop.example.com/thanks"},
		},
	}
}

// Every byte is made of the checkout alone, so that a repeated request is the same.
func TestThePreferenceOfACheckout(t *testing.T) {
	t.Parallel()
	c, err := New(Config{AccessToken: "TEST-1", NotificationURL: "https://pay.example.com/webhooks/mercadopago"})
	require.NoError(t, err)
	of := sale("request")
	body, err := json.Marshal(c.preferenceRequest(of, of.End()))
	require.NoError(t, err)
	require.JSONEq(t, `{
  "items": [
    {"id": "1", "title": "Camiseta", "quantity": 2, "currency_id": "BRL", "unit_price": 49.50},
    {"id": "2", "title": "Caneca", "quantity": 1, "currency_id": "BRL", "unit_price": 60.00}
  ],
  "payer": {"email": "ana@example.com"}, "back_urls": {"success": "https://shop.example.com/thanks"}, "auto_return": "approved",
  "notification_url": "https://pay.example.com/webhooks/mercadopago?source_news=webhooks", "external_reference": "`+of.ID+`",
  "payment_methods": {"excluded_payment_types": [{"id": "ticket"}, {"id": "bank_transfer"}], "installments": 3},
  "expires": true, "expiration_date_from": "2026-11-27T14:07:35.000-03:00", "expiration_date_to": "2026-11-27T15:12:35.000-03:00",
  "metadata": {"checkout_id": "`+of.ID+`"}
}`, string(body))
	least := payment.Checkout{ID: of.ID, CreatedAt: of.CreatedAt, CheckoutRequest: payment.CheckoutRequest{
		Amount: payment.Money{Centavos: 1050, Currency: payment.BRL}, Description: "Pedido\n1042", ExpiresIn: 3600,
	}}
	request := c.preferenceRequest(least, least.End())
	require.Equal(t, []preferenceItem{{"1", "Pedido 1042", 1, "BRL", "10.50"}}, request.Items)
	require.Nil(t, request.PaymentMethods)
	require.Nil(t, request.BackURLs)
	require.Empty(t, request.AutoReturn)
}

func TestAPreferenceIsMadeFoundAndClosed(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	of := sale("life")
	of.CreatedAt = time.Now()
	_, found, err := c.FindPreference(t.Context(), of.ID)
	require.NoError(t, err)
	require.False(t, found)
	made, err := c.MakePreference(t.Context(), of)
	require.NoError(t, err)
	twin, err := c.MakePreference(t.Context(), of)
	require.NoError(t, err)
	require.NotEqual(t, made.ID, twin.ID, "nothing promises that a key is remembered")
	again, found, err := c.FindPreference(t.Context(), of.ID)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, made, again, "the oldest counts")
	require.NotContains(t, made.PayURL, "sandbox")

	rejected, err := s.Try(made.ID, simulator.Attempt{Method: "master", Holder: "FUND"})
	require.NoError(t, err)
	approved, err := s.Try(made.ID, simulator.Attempt{Method: "account_money"})
	require.NoError(t, err)
	_, err = s.Try(made.ID, simulator.Attempt{Method: "pix"})
	require.Error(t, err, "it is left out")
	order, _ := s.OrderOf(made.ID)
	o, err := c.MerchantOrder(t.Context(), order)
	require.NoError(t, err)
	require.Equal(t, MerchantOrder{ID: order, Reference: of.ID, Payments: []OrderPayment{{rejected, "rejected", 0}, {approved, "approved", 0}}}, o)
	shown, err := c.PaymentsByReference(t.Context(), of.ID)
	require.NoError(t, err)
	require.Len(t, shown, 2)
	require.Equal(t, "account_money", shown[0].Chosen)

	of.PreferenceID = made.ID
	for range 2 {
		require.NoError(t, c.ClosePreference(t.Context(), of, time.Now()))
	}
	require.True(t, s.PreferenceOver(made.ID))
}

// What Mercado Pago says must be about the checkout, and of our account.
func TestAnotherPreferenceIsNotBelieved(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	of := sale("wrong")
	_, err := c.Account(t.Context())
	require.NoError(t, err)
	s.SetFaults([]simulator.Fault{{On: simulator.Preferences, Kind: simulator.KindOtherAccount}})
	_, err = c.MakePreference(t.Context(), of)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	for _, body := range []string{
		`{}`, `[]`, `{"id": "../users/me", "init_point": "https://x.example", "external_reference": "` + of.ID + `"}`,
		`{"id": "1-a", "init_point": "javascript:alert(1)", "external_reference": "` + of.ID + `"}`,
		`{"id": "1-a", "init_point": "https://x.example", "external_reference": "another"}`,
	} {
		_, err := c.readPreference([]byte(body), of.ID)
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
	_, err = readPreferences([]byte(`{"paging": {}}`), of.ID)
	require.Error(t, err, "a search without elements must not pass for none")
	_, err = c.MerchantOrder(t.Context(), "../1")
	require.Equal(t, failure.Invalid, failure.KindOf(err))
	_, err = c.MerchantOrder(t.Context(), "31994264291")
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}
