package payment

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
)

// How long a buyer may take to enter a card on the pay page.
const (
	CardEntryMin     = 30 * time.Minute
	CardEntryMax     = 7 * 24 * time.Hour
	CardEntryDefault = 24 * time.Hour
)

// CardAttempts is how many cards a buyer may try on the pay page. Each try is a charge of its own, and the next begins only when the provider
// has said that the one before took no money.
const CardAttempts = 5

// CardEntry is what a buyer has entered on the pay page, beside the card itself, which only CardSecrets hold.
type CardEntry struct {
	Brand        string `json:"brand"`
	Installments int    `json:"installments"`
	IssuerID     string `json:"issuer_id,omitempty"`
}

// Entered is a payment's newest card entry, and what became of it.
type Entered struct {
	CardEntry
	Attempt  int    `json:"attempt"`            // counted from 1; it makes the charge's key
	Rejected string `json:"rejected,omitempty"` // why the provider took no money, in its own word; "": it is not known yet, or it has taken it
}

// OnPage says whether the buyer enters the card on the pay page.
func (r Request) OnPage() bool { return r.Method.Card != nil && r.Method.Card.OnPage }

// AwaitsCard says whether the buyer may enter a card now. The provider knows of no charge that took money, or might.
func (p Payment) AwaitsCard() bool {
	return p.OnPage() && p.Status == Pending && p.Provider.PaymentID == ""
}

// Rejected is why the payment was rejected, or the card that was entered last, in the provider's word.
func (p Payment) Rejected() (detail string, rejected bool) {
	if e := p.Instructions.Entered; p.AwaitsCard() && e != nil && e.Rejected != "" {
		return e.Rejected, true
	}
	return p.Provider.StatusDetail, p.Status == Rejected
}

// Rejected is likewise of an event. A payment that waits for a card again has no other answer of the provider.
func (e Event) Rejected() (detail string, rejected bool) {
	return e.Data.StatusDetail, e.Status == Rejected || e.Status == Pending && e.Data.ProviderStatus == string(Rejected)
}

// CardEnd is until when a card may be entered.
func (p Payment) CardEnd() time.Time {
	return p.CreatedAt.Add(time.Duration(p.Method.ExpiresIn) * time.Second)
}

// Attempt is the number of the card entry that is charged; 0 for all payments whose card is not entered on the pay page.
func (p Payment) Attempt() int {
	if p.Instructions.Entered == nil {
		return 0
	}
	return p.Instructions.Entered.Attempt
}

// ChargeKey is the idempotency key of the payment's charge; each entered card has its own.
func (p Payment) ChargeKey() string { return ProviderKey(p.ID, Charge, max(p.Attempt(), 1)) }

// CardToCharge is the card as the client app has asked for it, or the buyer has entered it.
func (p Payment) CardToCharge() CardMethod {
	if p.Method.Card == nil {
		return CardMethod{}
	}
	c := *p.Method.Card
	if e := p.Instructions.Entered; e != nil {
		c.Brand, c.Installments, c.IssuerID = e.Brand, e.Installments, e.IssuerID
	}
	return c
}

// validateOnPage finds what is wrong with a request for a card that its buyer enters on the pay page.
func validateOnPage(r Request, wrong func(pointer, detail string)) {
	low, high := int(CardEntryMin/time.Second), int(CardEntryMax/time.Second)
	if r.Method.ExpiresIn < low || r.Method.ExpiresIn > high {
		wrong("/method/expires_in", fmt.Sprintf("must be between %d and %d seconds", low, high))
	}
	if c := r.Method.Card; c.Brand != "" || c.IssuerID != "" {
		wrong("/method/token", "must be the token that Mercado Pago makes of the card; without one the buyer enters the card on the pay page, and its brand and bank too")
	}
}

// Validate finds what is wrong with a card entry and its secrets.
func (e CardEntry) Validate(r Request, s CardSecrets) error {
	var fields failure.Fields
	entered := CardMethod{Brand: e.Brand, Installments: e.Installments, IssuerID: e.IssuerID}
	if c := r.Method.Card; c != nil {
		entered.AuthorizeOnly = c.AuthorizeOnly
		if e.Installments > c.Installments {
			fields.Add("/method/installments", fmt.Sprintf("must be at most %d", c.Installments))
		}
	}
	validateBrand(entered, fields.Add)
	s.validate(Card, fields.Add)
	if s.TaxID == "" && r.Payer.TaxID == "" || s.TaxID != "" && !validTaxID(s.TaxID) {
		fields.Add("/payer/tax_id", "must be the CPF or CNPJ of the card's owner")
	}
	return invalid(fields)
}

// Print says whether two entries are the same. As Creation.Print, it says nothing of the token.
func (e CardEntry) Print(s CardSecrets) string {
	h := hmac.New(sha256.New, []byte(s.Token))
	fmt.Fprintf(h, "%q %d %q", e.Brand, e.Installments, e.IssuerID)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ofDebit says whether a brand is one of debit cards.
func ofDebit(brand string) bool { return slices.Contains(debitBrands, brand) }
