package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func TestACheckoutsRequest(t *testing.T) {
	t.Parallel()
	good := CheckoutRequest{Amount: Money{1050, BRL}}
	for name, row := range map[string]struct {
		change  func(*CheckoutRequest)
		pointer string // of what is wrong; "": nothing is
	}{
		"least":                {func(*CheckoutRequest) {}, ""},
		"no amount":            {func(r *CheckoutRequest) { r.Amount.Centavos = 0 }, "/amount"},
		"dollars":              {func(r *CheckoutRequest) { r.Amount.Currency = "USD" }, "/currency"},
		"items that add up":    {func(r *CheckoutRequest) { r.Items = []CheckoutItem{{"a", 2, 500}, {"b", 0, 50}} }, ""},
		"items that do not":    {func(r *CheckoutRequest) { r.Items = []CheckoutItem{{"a", 2, 500}} }, "/items"},
		"an item without name": {func(r *CheckoutRequest) { r.Items = []CheckoutItem{{" ", 1, 1050}} }, "/items/0/title"},
		"an item of nothing":   {func(r *CheckoutRequest) { r.Items = []CheckoutItem{{"a", -1, 1050}} }, "/items/0/quantity"},
		"a gift":               {func(r *CheckoutRequest) { r.Items = []CheckoutItem{{"a", 1, 0}} }, "/items/0/unit_price"},
		"too many items":       {func(r *CheckoutRequest) { r.Items = make([]CheckoutItem, 51) }, "/items"},
		"too short":            {func(r *CheckoutRequest) { r.ExpiresIn = 299 }, "/expires_in"},
		"too long":             {func(r *CheckoutRequest) { r.ExpiresIn = 2592001 }, "/expires_in"},
		"without boleto":       {func(r *CheckoutRequest) { r.Exclude = []OfferType{OfferBoleto, OfferBoleto} }, ""},
		"without anything":     {func(r *CheckoutRequest) { r.Exclude = OfferTypes() }, "/exclude"},
		"without what is not":  {func(r *CheckoutRequest) { r.Exclude = []OfferType{"cash"} }, "/exclude/0"},
		"a way back":           {func(r *CheckoutRequest) { r.BackURLs.Success = "https://shop.example.com/thanks?order=1" }, ""},
		"a way back in clear":  {func(r *CheckoutRequest) { r.BackURLs.Pending = "http://shop.example.com" }, "/back_urls/pending"},
		"a way back to itself": {func(r *CheckoutRequest) { r.BackURLs.Failure = "https://localhost/thanks" }, "/back_urls/failure"},
		"a script":             {func(r *CheckoutRequest) { r.BackURLs.Success = "javascript:alert(1)" }, "/back_urls/success"},
		"no e-mail address":    {func(r *CheckoutRequest) { r.Email = "ana" }, "/payer/email"},
		"a card's number":      {func(r *CheckoutRequest) { r.Reference = "5031433215406351" }, "/reference"},
		"too long a name":      {func(r *CheckoutRequest) { r.Description = strings.Repeat("a", 257) }, "/description"},
	} {
		r := good
		row.change(&r)
		err := r.Normalized().Validate()
		if row.pointer == "" {
			require.NoError(t, err, name)
			continue
		}
		e, ok := err.(*failure.Error)
		require.True(t, ok, name)
		require.Equal(t, row.pointer, e.Fields[0].Pointer, name)
	}
	require.Equal(t, good.Normalized().Fingerprint(), CheckoutRequest{Amount: good.Amount, ExpiresIn: 86400}.Normalized().Fingerprint(), "defaults are filled in")
}

// An attempt is one payment, however often it is told of, and no request of a client app can pass for one.
func TestAnAttemptIsOnePayment(t *testing.T) {
	t.Parallel()
	c := Checkout{ID: NewCheckoutID("shop", "k"), ClientID: "shop", CheckoutRequest: CheckoutRequest{Amount: Money{1050, BRL}}.Normalized()}
	creation, id := c.NewAttempt("106400160592")
	again, same := c.NewAttempt("106400160592")
	require.Equal(t, creation, again)
	require.Equal(t, id, same)
	require.True(t, OurID(id))
	_, other := c.NewAttempt("106400160593")
	require.NotEqual(t, id, other)
	require.NoError(t, creation.Validate())
	creation.Attempt = nil
	require.Error(t, creation.Validate(), "without its attempt it is a request that nobody may make")
	for _, a := range []Attempt{{}, {CheckoutID: c.ID}, {CheckoutID: c.ID, ProviderPaymentID: "../1"}, {CheckoutID: "x", ProviderPaymentID: "1"}} {
		creation.Attempt = &a
		require.Error(t, creation.Validate())
	}
	require.Equal(t, c.ID, Payment{ID: id, CheckoutID: c.ID}.ProviderReference())
	require.Equal(t, id, Payment{ID: id}.ProviderReference())
}
