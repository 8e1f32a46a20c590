package payment

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onlywave/onlywave/internal/failure"
)

// CustomerRequest is a buyer whose cards are to be saved. The provider keeps it, and we do not.
type CustomerRequest struct {
	Email string
	Name  string
	TaxID string // CPF or CNPJ, without punctuation
}

// Normalized is the request with blanks trimmed, and the tax id without punctuation.
func (r CustomerRequest) Normalized() CustomerRequest {
	return CustomerRequest{Email: strings.TrimSpace(r.Email), Name: normalizedName(r.Name), TaxID: normalizedTaxID(r.TaxID)}
}

// Fields is everything that is wrong with the request.
func (r CustomerRequest) Fields() (fields failure.Fields) {
	validatePerson("", r.Email, r.Name, r.TaxID, fields.Add)
	return fields
}

// Customer is a buyer whose cards the provider keeps, as a client app knows them. The provider has one customer for each e-mail address, which
// all client apps share; here each has its own, and sees nothing of the others. Nothing personal is kept here.
type Customer struct {
	ID         string // UUIDv5 of the client app and the provider's id
	ClientID   string
	ProviderID string
	CreatedAt  time.Time
}

// NewCustomer is a client app's customer. However often the client app asks for the same e-mail address, it is the same one.
func NewCustomer(clientID, providerID string, at time.Time) Customer {
	return Customer{ID: NamedID(customerNamespace, clientID+"\x00"+providerID), ClientID: clientID, ProviderID: providerID, CreatedAt: at}
}

// ProviderCard is a card that the provider keeps: what it shows of it.
type ProviderCard struct {
	ID           string
	Brand        string // Mercado Pago's payment_method_id
	FirstSix     string // digits
	LastFour     string
	ExpiresMonth int // 0: the provider does not show it
	ExpiresYear  int
	CreatedAt    time.Time // by the provider's clock
}

// SavedCard is a card of a customer. To pay with it, the buyer's browser makes a token of the provider's id and the security code.
type SavedCard struct {
	ProviderCard
	ID         string // UUIDv5 of the customer and the provider's id
	CustomerID string
	CreatedAt  time.Time
}

// NewSavedCard is a card of a customer. However often the same card is saved, it is the same one.
func NewSavedCard(customerID string, c ProviderCard, at time.Time) SavedCard {
	return SavedCard{ProviderCard: c, ID: NamedID(customerNamespace, customerID+"\x00card\x00"+c.ID), CustomerID: customerID, CreatedAt: at}
}

// VaultRemoval is what the provider is to remove: what no other client app uses. The ids are the provider's.
type VaultRemoval struct {
	CustomerID string
	Customer   bool // the customer, too
	CardIDs    []string
}

// TokenFields is what is wrong with a card's token.
func TokenFields(pointer, token string) (fields failure.Fields) {
	validateToken(pointer, token, fields.Add)
	return fields
}

func normalizedName(name string) string { return strings.Join(strings.Fields(name), " ") }

func normalizedTaxID(id string) string {
	return strings.ToUpper(strings.NewReplacer(".", "", "-", "", "/", "", " ", "").Replace(id))
}

// validatePerson finds what is wrong with a person's data, whose pointers begin with a prefix.
func validatePerson(prefix, email, name, taxID string, wrong func(pointer, detail string)) {
	if !validEmail(email) {
		wrong(prefix+"/email", "must be an e-mail address such as ana@example.com")
	}
	if utf8.RuneCountInString(name) > maxName {
		wrong(prefix+"/name", fmt.Sprintf("must have at most %d characters", maxName))
	}
	if taxID != "" && !validTaxID(taxID) {
		wrong(prefix+"/tax_id", "must be a CPF of 11 digits or a CNPJ of 14 characters with right check digits")
	}
	refuseText(wrong, prefix+"/name", name, OneLine)
	refuseText(wrong, prefix+"/email", email, OneLine)
}
