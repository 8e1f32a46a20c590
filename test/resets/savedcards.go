package resets

import (
	"context"
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// saveCard makes the customer of a recorded saved card anew, at the simulator and in the database, and saves the card of a token for it.
// The result is the token of the saved card, and the recorded texts, each with the one that stands for it.
func (p *player) saveCard(ctx context.Context, recorded payment.CardMethod, key, unsaved string) (card payment.CardMethod, token string, texts []string, err error) {
	vault, err := p.provider.Customer(ctx, payment.CustomerRequest{Email: key + "@example.com"})
	if err != nil {
		return card, "", nil, fmt.Errorf("make a customer: %w", err)
	}
	customer, _, err := p.database.KeepCustomer(ctx, payment.NewCustomer(clientApp, vault, time.Now().Truncate(time.Microsecond)))
	if err != nil {
		return card, "", nil, err
	}
	saved, err := p.provider.SaveCard(ctx, vault, unsaved)
	if err != nil {
		return card, "", nil, fmt.Errorf("save a card: %w", err)
	}
	if token, err = p.Provider.SavedCardToken(ctx, saved.ID); err != nil {
		return card, "", nil, fmt.Errorf("make a saved card's token: %w", err)
	}
	card = recorded
	card.CustomerID, card.ProviderCustomerID = customer.ID, vault
	return card, token, []string{recorded.CustomerID, card.CustomerID, recorded.ProviderCustomerID, card.ProviderCustomerID}, nil
}
