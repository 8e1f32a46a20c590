package mercadopago

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

func TestOffersAreWhatAPaymentCanBeAskedForWith(t *testing.T) {
	t.Parallel()
	_, c := simulated(t, simulator.Config{})
	offers, err := c.Offers(t.Context())
	require.NoError(t, err)
	byID := map[string]payment.Offer{}
	for _, o := range offers {
		byID[o.ID] = o
	}
	require.Equal(t, payment.Offer{Method: payment.Pix, ID: "pix", Type: payment.OfferPix, Name: "PIX", AmountMin: 1, AmountMax: 12_000_000_000}, byID["pix"])
	require.Equal(t, payment.Offer{Method: payment.Boleto, ID: "bolbradesco", Type: payment.OfferBoleto, Name: "Boleto", AmountMin: 400, AmountMax: 10_000_000}, byID["bolbradesco"])
	require.Equal(t, payment.Offer{Method: payment.Card, ID: "visa", Type: payment.OfferCreditCard, Name: "Visa", AmountMin: 50, AmountMax: 6_000_000, Capture: true}, byID["visa"])
	require.Equal(t, payment.Offer{Method: payment.Card, ID: "debelo", Type: payment.OfferDebitCard, Name: "Elo Débito", AmountMin: 50, AmountMax: 6_000_000}, byID["debelo"])
	require.NotContains(t, byID, "diners", "it is deactivated")
	require.NotContains(t, byID, "account_money")
	require.NotContains(t, byID, "pec")
}

func TestInstallmentsOfACard(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	q := payment.InstallmentQuestion{Amount: 12099, BIN: "503143"}
	offers, err := c.Installments(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, offers, 1)
	o := offers[0]
	require.Equal(t, []any{"master", payment.OfferCreditCard, "24", "Mastercard"}, []any{o.Brand, o.Type, o.IssuerID, o.IssuerName})
	require.Len(t, o.Plans, 12)
	require.Equal(t, payment.InstallmentPlan{Count: 1, Each: 12099, Total: 12099}, o.Plans[0])
	require.Equal(t, payment.InstallmentPlan{Count: 3, Each: 4033, Total: 12099}, o.Plans[2])
	require.Equal(t, payment.InstallmentPlan{Count: 12, Each: 1215, Total: 14580}, o.Plans[11])
	require.Eventually(t, func() bool { return len(s.Requests()) == 1 }, timeout, time.Millisecond)
	require.Equal(t, "/v1/payment_methods/installments?amount=120.99&bin=503143", s.Requests()[0].Path)

	q.Brand = "visa"
	offers, err = c.Installments(t.Context(), q)
	require.NoError(t, err)
	require.Empty(t, offers, "the digits are another brand's")

	offers, err = c.Installments(t.Context(), payment.InstallmentQuestion{Amount: 12099, BIN: "50677612"})
	require.NoError(t, err)
	require.Len(t, offers[0].Plans, 1, "a debit card")
}

// What Mercado Pago sends in another form than it promises is read all the same, and what cannot be read hides nothing else.
func TestOddAnswersAboutOffersAreRead(t *testing.T) {
	t.Parallel()
	answer := func(name string) *Client {
		text, err := os.ReadFile("testdata/offers/" + name + ".json")
		require.NoError(t, err)
		return clientOf(t, answering(http.StatusOK, string(text)), timeout)
	}
	offers, err := answer("payment_methods_odd").Offers(t.Context())
	require.NoError(t, err)
	require.Equal(t, []payment.Offer{
		{Method: payment.Card, ID: "visa", Type: payment.OfferCreditCard, Name: "Visa", AmountMin: 50, AmountMax: 6_000_000, Capture: true},
		{Method: payment.Pix, ID: "pix", Type: payment.OfferPix, Name: "PIX"},
	}, offers)
	found, err := answer("installments_odd").Installments(t.Context(), payment.InstallmentQuestion{Amount: 10000, BIN: "423564"})
	require.NoError(t, err)
	require.Equal(t, []payment.InstallmentOffer{{
		Brand: "visa", Type: payment.OfferCreditCard, IssuerID: "25", IssuerName: "Visa",
		Plans: []payment.InstallmentPlan{{Count: 1, Each: 10000, Total: 10000}, {Count: 2, Each: 5253, Total: 10505}},
	}}, found)

	for _, body := range []string{"", "{}", "null and void", `[{"id": "visa", "payment_type_id": "credit_card", "min_allowed_amount": "much"}]`} {
		_, err := clientOf(t, answering(http.StatusOK, body), timeout).Offers(t.Context())
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
	for _, body := range []string{"", "{}", `[{"payment_method_id": "visa", "payment_type_id": "credit_card", "payer_costs": []}]`} {
		_, err := clientOf(t, answering(http.StatusOK, body), timeout).Installments(t.Context(), payment.InstallmentQuestion{Amount: 10000, BIN: "423564"})
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
}

// The first digits of a card are in no error: errors are logged.
func TestErrorsAboutInstallmentsDoNotNameTheCard(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	for _, kind := range []simulator.Kind{simulator.KindReset, simulator.KindError, simulator.KindHTML, simulator.KindEmpty} {
		s.SetFaults([]simulator.Fault{{On: simulator.Installments, Kind: kind}})
		_, err := c.Installments(t.Context(), payment.InstallmentQuestion{Amount: 10000, BIN: "423564"})
		require.Equal(t, failure.Unavailable, failure.KindOf(err), kind)
		require.NotContains(t, err.Error(), "423564")
	}
}
