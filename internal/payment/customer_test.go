package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
)

func TestACustomersRequest(t *testing.T) {
	t.Parallel()
	r := CustomerRequest{Email: " ana@example.com ", Name: " Ana  Souza ", TaxID: "123.456.789-09"}.Normalized()
	require.Equal(t, CustomerRequest{Email: "ana@example.com", Name: "Ana Souza", TaxID: "12345678909"}, r)
	require.Empty(t, r.Fields())
	require.Empty(t, CustomerRequest{Email: "ana@example.com"}.Fields())
	var pointers []string
	for _, f := range (CustomerRequest{Email: "ana", Name: "5031 4332 1540 6351", TaxID: "12345678900"}).Fields() {
		pointers = append(pointers, f.Pointer)
	}
	require.Equal(t, []string{"/email", "/tax_id", "/name"}, pointers)
}

func TestATokenIsNoCardNumber(t *testing.T) {
	t.Parallel()
	require.Empty(t, TokenFields("/token", "e3ed6f098462036dd2cbabe314b9de2a"))
	for _, wrong := range []string{"", "short", "5031433215406351", "a/../b0000000000000000000"} {
		require.NotEmpty(t, TokenFields("/token", wrong), wrong)
	}
}

func TestCustomersHaveTheirOwnIDs(t *testing.T) {
	t.Parallel()
	ours, rivals := NewCustomer("shop", "1-a", friday), NewCustomer("rival", "1-a", friday)
	require.NotEqual(t, ours.ID, rivals.ID)
	require.Equal(t, ours.ID, NewCustomer("shop", "1-a", friday).ID)
	card := ProviderCard{ID: "7"}
	require.NotEqual(t, NewSavedCard(ours.ID, card, friday).ID, NewSavedCard(rivals.ID, card, friday).ID)
	require.True(t, OurID(NewSavedCard(ours.ID, card, friday).ID))
}

// The provider's id follows from the customer, and may not be known when the request is repeated.
func TestTheProvidersCustomerIsNoPartOfTheRequest(t *testing.T) {
	t.Parallel()
	r := cardCreation().Request
	plain := r.Fingerprint()
	r.Method.Card.CustomerID = NewCustomer("shop", "1-a", friday).ID
	with := r.Fingerprint()
	require.NotEqual(t, plain, with)
	r.Method.Card.ProviderCustomerID = "1-a"
	require.Equal(t, with, r.Fingerprint())
	require.Equal(t, "1-a", r.Method.Card.ProviderCustomerID, "it stays in the request")
	require.NoError(t, r.Validate())
	r.Method.Card.CustomerID = "ana@example.com"
	require.Equal(t, failure.Invalid, failure.KindOf(r.Validate()))
}
