package payment

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

const token = "e3ed6f098462036dd2cbabe314b9de2a"

func cardCreation() Creation {
	r := request()
	r.Method = Method{Type: Card, Card: &CardMethod{Brand: "visa", Installments: 3, IssuerID: "25", Descriptor: " LOJA "}}
	return Creation{ClientID: "shop", IdempotencyKey: "k", Request: r.Normalized(), Secrets: CardSecrets{Token: token, DeviceID: "armor.1"}}
}

func TestACardIsValidated(t *testing.T) {
	t.Parallel()
	require.NoError(t, cardCreation().Validate())
	for name, row := range map[string]struct {
		change func(*Creation)
		at     string
	}{
		"no token":             {func(c *Creation) { c.Secrets.Token = "" }, "/method/token"},
		"a card number":        {func(c *Creation) { c.Secrets.Token = "5031433215406351" }, "/method/token"},
		"another text":         {func(c *Creation) { c.Secrets.Token = strings.Repeat("a b", 10) }, "/method/token"},
		"a device in no form":  {func(c *Creation) { c.Secrets.DeviceID = "a\r\nb" }, "/method/device_id"},
		"no brand":             {func(c *Creation) { c.Request.Method.Card.Brand = "" }, "/method/payment_method_id"},
		"an unknown brand":     {func(c *Creation) { c.Request.Method.Card.Brand = "pix" }, "/method/payment_method_id"},
		"no installments":      {func(c *Creation) { c.Request.Method.Card.Installments = 0 }, "/method/installments"},
		"too many":             {func(c *Creation) { c.Request.Method.Card.Installments = 37 }, "/method/installments"},
		"debit in parts":       {func(c *Creation) { c.Request.Method.Card.Brand = "debvisa" }, "/method/installments"},
		"a bank in words":      {func(c *Creation) { c.Request.Method.Card.IssuerID = "Nubank" }, "/method/issuer_id"},
		"a long descriptor":    {func(c *Creation) { c.Request.Method.Card.Descriptor = strings.Repeat("A", 14) }, "/method/statement_descriptor"},
		"an invisible one":     {func(c *Creation) { c.Request.Method.Card.Descriptor = "A\u200bB" }, "/method/statement_descriptor"},
		"another 3-D Secure":   {func(c *Creation) { c.Request.Method.Card.ThreeDSecure = "mandatory" }, "/method/three_d_secure"},
		"no tax id":            {func(c *Creation) { c.Request.Payer.TaxID = "" }, "/payer/tax_id"},
		"a token for a Pix":    {func(c *Creation) { c.Request.Method = Method{Type: Pix, ExpiresIn: 3600} }, "/method/token"},
		"an expiry of no card": {func(c *Creation) { c.Request.Method.Card = nil }, "/method/payment_method_id"},
	} {
		c := cardCreation()
		row.change(&c)
		wrong, ok := errors.AsType[*failure.Error](c.Validate())
		require.True(t, ok, name)
		require.Equal(t, failure.Invalid, wrong.Kind)
		require.Equal(t, row.at, wrong.Fields[0].Pointer, name)
	}
}

// What is the default may be named, or not: the request is the same.
func TestNoThreeDSecureIsTheDefault(t *testing.T) {
	t.Parallel()
	c, named := cardCreation(), cardCreation()
	named.Request.Method.Card.ThreeDSecure = ThreeDSecureOff
	require.Equal(t, c.Request.Fingerprint(), named.Request.Normalized().Fingerprint())
	named.Request.Method.Card.ThreeDSecure = ThreeDSecureOptional
	require.NoError(t, named.Validate())
	require.NotEqual(t, c.Request.Fingerprint(), named.Request.Normalized().Fingerprint())
}

// Another token is another request, and nobody reads the token from the fingerprint or from a text that the secrets get into.
func TestTheFingerprintOfACardCoversItsToken(t *testing.T) {
	t.Parallel()
	c, other := cardCreation(), cardCreation()
	require.Equal(t, c.Print(), other.Print())
	other.Secrets.DeviceID = "armor.2"
	require.Equal(t, c.Print(), other.Print(), "another browser may repeat the request")
	other.Secrets.Token = strings.Repeat("0", 32)
	require.NotEqual(t, c.Print(), other.Print())
	require.NotEqual(t, c.Request.Fingerprint(), c.Print())
	for _, text := range []string{c.Print(), fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c), fmt.Sprintf("%v", c.Secrets)} {
		require.NotContains(t, text, token)
	}
	pix := Creation{Request: request()}
	require.Equal(t, pix.Request.Fingerprint(), pix.Print())
}

func TestEveryMethodHasANameAndRules(t *testing.T) {
	t.Parallel()
	for _, m := range MethodTypes() {
		require.True(t, m.Known())
		require.NotEmpty(t, m.Name(English), m)
		require.NotEmpty(t, m.Name(Portuguese), m)
	}
	require.False(t, MethodType("cheque").Known())
	require.Equal(t, "cheque", MethodType("cheque").Name(English))
}

func TestEveryRejectionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	seen := map[RejectionReason]bool{}
	for _, r := range Rejections() {
		require.False(t, seen[r.Reason], r.Reason)
		seen[r.Reason] = true
		require.Contains(t, Advices(), r.Advice, r.Reason)
		require.NotEmpty(t, r.English, r.Reason)
		require.NotEmpty(t, r.Portuguese, r.Reason)
		require.Equal(t, r, RejectionFor(r.Reason))
	}
	require.Equal(t, RejectedOtherReasons, RejectionFor("a reason of tomorrow").Reason)
}
