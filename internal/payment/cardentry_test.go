package payment

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func onPage() Request {
	return Request{
		Amount: Money{Centavos: 1050, Currency: BRL}, Payer: Payer{Email: "ana@example.com"},
		Method: Method{Type: Card, Card: &CardMethod{OnPage: true, Installments: 3}},
	}.Normalized()
}

// A card that is entered on the pay page needs neither a token nor the owner's document, and has an end.
func TestACardThatIsEnteredOnThePageNeedsNoToken(t *testing.T) {
	t.Parallel()
	r := onPage()
	require.NoError(t, Creation{Request: r}.Validate())
	require.Equal(t, int(CardEntryDefault/time.Second), r.Method.ExpiresIn)
	for _, row := range []struct {
		change func(*Request)
		want   string
	}{
		{func(r *Request) { r.Method.ExpiresIn = 60 }, "/method/expires_in"},
		{func(r *Request) { r.Method.ExpiresIn = int(CardEntryMax/time.Second) + 1 }, "/method/expires_in"},
		{func(r *Request) { r.Method.Card.Brand = "visa" }, "/method/token"},
		{func(r *Request) { r.Method.Card.IssuerID = "25" }, "/method/token"},
		{func(r *Request) { r.Method.Card.Installments = 37 }, "/method/installments"},
	} {
		r := onPage()
		row.change(&r)
		require.Equal(t, []string{row.want}, pointers(t, Creation{Request: r}.Validate()))
	}
	r = onPage()
	r.Method.Card.OnPage, r.Method.Card.Brand, r.Payer.TaxID = false, "visa", "12345678909"
	require.Equal(t, []string{"/method/expires_in"}, pointers(t, Creation{Request: r, Secrets: CardSecrets{Token: "e3ed6f098462036dd2cbabe314b9de2a"}}.Validate()))
}

func TestWhatABuyerEntersIsChecked(t *testing.T) {
	t.Parallel()
	good := CardEntry{Brand: "visa", Installments: 3, IssuerID: "25"}
	secrets := CardSecrets{Token: "e3ed6f098462036dd2cbabe314b9de2a", TaxID: "12345678909"}
	require.NoError(t, good.Validate(onPage(), secrets))
	for _, row := range []struct {
		change func(*CardEntry, *CardSecrets)
		want   string
	}{
		{func(e *CardEntry, _ *CardSecrets) { e.Installments = 4 }, "/method/installments"},
		{func(e *CardEntry, _ *CardSecrets) { e.Brand = "pix" }, "/method/payment_method_id"},
		{func(e *CardEntry, _ *CardSecrets) { e.Brand = "debvisa" }, "/method/installments"},
		{func(e *CardEntry, _ *CardSecrets) { e.IssuerID = "x" }, "/method/issuer_id"},
		{func(_ *CardEntry, s *CardSecrets) { s.Token = "5031433215406351" }, "/method/token"},
		{func(_ *CardEntry, s *CardSecrets) { s.TaxID = "12345678900" }, "/payer/tax_id"},
		{func(_ *CardEntry, s *CardSecrets) { s.TaxID = "" }, "/payer/tax_id"},
	} {
		e, s := good, secrets
		row.change(&e, &s)
		require.Equal(t, []string{row.want}, pointers(t, e.Validate(onPage(), s)))
	}
}

// Two entries of one card are the same; another token, brand or number of installments is another. The print says nothing of the token.
func TestThePrintOfAnEntry(t *testing.T) {
	t.Parallel()
	e, s := CardEntry{Brand: "visa", Installments: 3}, CardSecrets{Token: "e3ed6f098462036dd2cbabe314b9de2a", DeviceID: "a"}
	require.Equal(t, e.Print(s), e.Print(CardSecrets{Token: s.Token, DeviceID: "b"}))
	require.NotEqual(t, e.Print(s), e.Print(CardSecrets{Token: "x3ed6f098462036dd2cbabe314b9de2a"}))
	require.NotEqual(t, e.Print(s), CardEntry{Brand: "visa", Installments: 2}.Print(s))
	require.NotContains(t, e.Print(s), s.Token)
}

// What is charged is what was entered, and each entry has a key of its own. The first is that of any charge.
func TestWhatIsChargedOfAnEntry(t *testing.T) {
	t.Parallel()
	p := Payment{ID: NewID("shop", "k"), Request: onPage(), Status: Pending}
	require.True(t, p.AwaitsCard())
	require.Equal(t, ProviderKey(p.ID, Charge, 1), p.ChargeKey())
	p.Instructions.Entered = &Entered{CardEntry: CardEntry{Brand: "elo", Installments: 2, IssuerID: "1"}, Attempt: 2, Rejected: "cc_rejected_other_reason"}
	require.Equal(t, ProviderKey(p.ID, Charge, 2), p.ChargeKey())
	require.Equal(t, CardMethod{OnPage: true, Brand: "elo", Installments: 2, IssuerID: "1"}, p.CardToCharge())
	detail, rejected := p.Rejected()
	require.True(t, rejected)
	require.Equal(t, "cc_rejected_other_reason", detail)
	p.Provider.PaymentID = "1"
	require.False(t, p.AwaitsCard(), "the provider may have taken the money")
}
