package payment

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// CardMethod is what a client app asks for beside the card itself, which only CardSecrets hold.
type CardMethod struct {
	Brand        string `json:"brand"` // Mercado Pago's payment_method_id, such as visa
	Installments int    `json:"installments"`
	IssuerID     string `json:"issuer_id,omitempty"`
	Descriptor   string `json:"statement_descriptor,omitempty"` // what the card's statement calls the payment
	// AuthorizeOnly reserves the money, which is captured later, all of it or less.
	AuthorizeOnly bool `json:"authorize_only,omitempty"`
	// OnPage lets the buyer enter the card on the pay page. Then Brand and IssuerID are empty, and Installments is the most that may be chosen.
	OnPage bool `json:"on_page,omitempty"`
	// ThreeDSecure says whether the card's bank may ask the buyer for a proof, see Challenge. Empty: it may not.
	ThreeDSecure ThreeDSecure `json:"three_d_secure,omitempty"`
	// CustomerID is the client app's customer whose saved card it is. Empty: it is no saved card.
	CustomerID string `json:"customer_id,omitempty"`
	// ProviderCustomerID is the provider's id of that customer. The API fills it in, and the row keeps it: a charge that is repeated must
	// repeat it, also when the customer was removed meanwhile. It is no part of the request, see Fingerprint.
	ProviderCustomerID string `json:"provider_customer_id,omitempty"`
}

// CardSecrets are what the buyer's browser gives for one charge of a card. The provider gets them, and nobody keeps them: they are in no row
// and no copy, in no event and no log, but only in what Temporal stores encrypted, as long as it stores the run.
type CardSecrets struct {
	Token    string `json:"token,omitempty"`     // the card as Mercado Pago knows it; good for one charge, within seven days
	DeviceID string `json:"device_id,omitempty"` // the browser as Mercado Pago knows it
	TaxID    string `json:"tax_id,omitempty"`    // of the card's owner, when the client app has named none
}

// String keeps the secrets out of texts.
func (CardSecrets) String() string { return "***" }

// GoString does the same for %#v.
func (CardSecrets) GoString() string { return "***" }

// Brands of Mercado Pago in Brazil (its OpenAPI file). Debit cards have brands of their own, and Elo has one more for debit.
var (
	creditBrands = []string{"visa", "master", "elo", "amex", "hipercard", "diners", "cabal"}
	debitBrands  = []string{"debvisa", "debmaster", "debelo", "debcabal"}
)

// CardBrands lists the brands of cards.
func CardBrands() []string { return slices.Concat(creditBrands, debitBrands) }

// The limits of Mercado Pago: of installments in its Orders reference, of the statement's text for the brand that allows the least.
const (
	CardInstallmentsMax = 36
	CardDescriptorMax   = 13
)

func card() rules {
	return rules{
		method: Card, english: "card", portuguese: "cartão", token: true,
		normalized: func(m Method) Method {
			if m.Card == nil {
				m.Card = &CardMethod{}
			}
			c := *m.Card
			c.Installments = max(c.Installments, 1)
			c.Descriptor = strings.TrimSpace(c.Descriptor)
			if c.ThreeDSecure == ThreeDSecureOff {
				c.ThreeDSecure = "" // as when it is left out
			}
			m.Card = &c
			if c.OnPage && m.ExpiresIn == 0 {
				m.ExpiresIn = int(CardEntryDefault / time.Second)
			}
			return m
		},
		validate: validateCard,
	}
}

func validateCard(r Request, wrong func(pointer, detail string)) {
	c := r.Method.Card
	if c == nil {
		c = &CardMethod{}
	}
	if c.OnPage {
		validateOnPage(r, wrong)
		validateInstallments(*c, wrong)
	} else {
		if r.Method.ExpiresIn != 0 {
			wrong("/method/expires_in", "is for a card that is entered on the pay page; leave it out, or leave the token out")
		}
		validateBrand(*c, wrong)
	}
	if c.ThreeDSecure != "" && c.ThreeDSecure != ThreeDSecureOptional {
		wrong("/method/three_d_secure", "must be optional or not_supported")
	}
	if c.CustomerID != "" && (c.OnPage || !ValidID(c.CustomerID)) {
		wrong("/method/customer_id", "must be the id of a customer, whose saved card the token is of")
	}
	if utf8.RuneCountInString(c.Descriptor) > CardDescriptorMax {
		wrong("/method/statement_descriptor", fmt.Sprintf("must have at most %d characters", CardDescriptorMax))
	}
	refuseText(wrong, "/method/statement_descriptor", c.Descriptor, OneLine)
	if r.Payer.TaxID == "" && !c.OnPage {
		wrong("/payer/tax_id", "must be the CPF or CNPJ of the card's owner")
	}
}

// validateBrand finds what is wrong with a card's brand, and with what depends on it.
func validateBrand(c CardMethod, wrong func(pointer, detail string)) {
	if !slices.Contains(CardBrands(), c.Brand) {
		wrong("/method/payment_method_id", "must be one of "+failure.OneOf(CardBrands()))
	}
	validateInstallments(c, wrong)
	if c.AuthorizeOnly && ofDebit(c.Brand) {
		wrong("/method/capture", "must be true: a debit card is charged at once")
	}
	if c.IssuerID != "" && !issuerID.MatchString(c.IssuerID) {
		wrong("/method/issuer_id", "must be the number that Mercado Pago gives the bank")
	}
}

func validateInstallments(c CardMethod, wrong func(pointer, detail string)) {
	switch {
	case c.Installments < 1 || c.Installments > CardInstallmentsMax:
		wrong("/method/installments", fmt.Sprintf("must be between 1 and %d", CardInstallmentsMax))
	case c.Installments > 1 && ofDebit(c.Brand):
		wrong("/method/installments", "must be 1: a debit card is charged at once")
	}
}

var issuerID = regexp.MustCompile(`^[0-9]{1,10}$`)

// cardToken is longer than Mercado Pago's, which have 32 or 33 letters and digits, and no card number is one.
var cardToken = regexp.MustCompile(`^[0-9A-Za-z_-]{20,64}$`)

// deviceID is what may stand in a header.
var deviceID = regexp.MustCompile(`^[!-~]{1,256}$`)

func (s CardSecrets) validate(t MethodType, wrong func(pointer, detail string)) {
	if !t.NeedsToken() {
		if s != (CardSecrets{}) {
			wrong("/method/token", "is for cards only")
		}
		return
	}
	validateToken("/method/token", s.Token, wrong)
	if s.DeviceID != "" && !deviceID.MatchString(s.DeviceID) {
		wrong("/method/device_id", "must be the text that Mercado Pago's script gives in the buyer's browser")
	}
}

func validateToken(pointer, token string, wrong func(pointer, detail string)) {
	switch {
	case ContainsCardNumber(token):
		wrong(pointer, "looks like a card number, which must never be sent here; send the token that Mercado Pago makes of it")
	case !cardToken.MatchString(token):
		wrong(pointer, "must be the token that Mercado Pago makes of the card in the buyer's browser")
	}
}

// AuthorizesOnly says whether the money is only reserved, so that it may be captured later and in part.
func (r Request) AuthorizesOnly() bool { return r.Method.Card != nil && r.Method.Card.AuthorizeOnly }

// OfAuthorization is the provider's answer about a payment whose money was reserved first. The sum that the provider names then is the one
// that was captured: of what was asked for, or less.
func (s ProviderState) OfAuthorization(asked Money) ProviderState {
	if s.Status.Paid() && s.Money.Currency == asked.Currency && s.Money.Centavos > 0 && s.Money.Centavos <= asked.Centavos {
		s.Captured, s.Money = s.Money.Centavos, asked
	}
	return s
}
