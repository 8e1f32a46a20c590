package payment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
)

// Offer is one way to pay that the provider offers and a payment can be asked for with: Pix, the boleto, or one brand's cards.
type Offer struct {
	Method    MethodType `json:"method"`
	ID        string     `json:"id"`   // the provider's; of a card, its CardMethod.Brand
	Type      OfferType  `json:"type"` // what kind of card it is
	Name      string     `json:"name"`
	AmountMin int64      `json:"amount_min,omitempty"` // centavos; 0: not told
	AmountMax int64      `json:"amount_max,omitempty"`
	Capture   bool       `json:"capture,omitempty"` // the money may be reserved first and taken later
}

// OfferType separates credit from debit.
type OfferType string

// The types of offers.
const (
	OfferPix         OfferType = "pix"
	OfferBoleto      OfferType = "boleto"
	OfferCreditCard  OfferType = "credit_card"
	OfferDebitCard   OfferType = "debit_card"
	OfferPrepaidCard OfferType = "prepaid_card"
)

// OfferTypes lists them.
func OfferTypes() []OfferType {
	return []OfferType{OfferPix, OfferBoleto, OfferCreditCard, OfferDebitCard, OfferPrepaidCard}
}

// InstallmentQuestion asks what an amount costs with a card, in each number of installments that it may be paid in.
type InstallmentQuestion struct {
	Amount int64  // centavos
	BIN    string // the card number's first 6 or 8 digits, which say whose card it is and nothing about its holder
	Brand  string // the provider's ID of the card's brand; "": the one that the digits tell
}

// Validate says what is wrong with the question, with pointers into a query.
func (q InstallmentQuestion) Validate() (wrong failure.Fields) {
	if problem := (Money{Centavos: q.Amount, Currency: BRL}).Validate(); problem != "" {
		wrong.Add("#query/amount", problem)
	}
	if strings.Trim(q.BIN, "0123456789") != "" || len(q.BIN) != 6 && len(q.BIN) != 8 {
		wrong.Add("#query/bin", "must be the first 6 or 8 digits of the card's number")
	}
	if q.Brand != "" && !providerID(q.Brand) {
		wrong.Add("#query/payment_method_id", "must be an id of a payment method, such as visa")
	}
	return wrong
}

// Digest names the question where its parts may not be read.
func (q InstallmentQuestion) Digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q", q.Amount, q.BIN, q.Brand))
	return hex.EncodeToString(sum[:])
}

// providerID says whether a text looks like an ID of the provider's, which may stand in an address.
func providerID(text string) bool {
	return len(text) <= 50 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// InstallmentOffer is what cards of one issuer and type offer for an amount.
type InstallmentOffer struct {
	Brand      string            `json:"brand"`
	Type       OfferType         `json:"type"`
	IssuerID   string            `json:"issuer_id,omitempty"` // of the bank; CardMethod.IssuerID
	IssuerName string            `json:"issuer_name,omitempty"`
	Plans      []InstallmentPlan `json:"plans"`
}

// InstallmentPlan is what a number of installments costs the buyer.
type InstallmentPlan struct {
	Count int   `json:"count"`
	Each  int64 `json:"each"`  // centavos
	Total int64 `json:"total"` // centavos
}
