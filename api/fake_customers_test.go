package api

import (
	"context"
	"slices"
	"time"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func (m *memory) KeepCustomer(_ context.Context, c payment.Customer) (payment.Customer, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.customers, func(k payment.Customer) bool { return k.ID == c.ID })
	if m.unavailable != nil || i >= 0 {
		return c, false, m.unavailable
	}
	m.customers = append(m.customers, c)
	return c, true, nil
}

func (m *memory) Customer(_ context.Context, clientID, id string) (payment.Customer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.customers {
		if c.ID == id && c.ClientID == clientID && !m.hidden[id] {
			return c, m.unavailable
		}
	}
	return payment.Customer{}, &failure.Error{Kind: failure.NotFound, Message: "there is no customer with this id"}
}

func (m *memory) hide(ids ...string) {
	if m.hidden == nil {
		m.hidden = map[string]bool{}
	}
	for _, id := range ids {
		m.hidden[id] = true
	}
}

func (m *memory) HideCustomer(_ context.Context, clientID, id string, _ time.Time) (payment.VaultRemoval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.customers {
		if c.ID != id || c.ClientID != clientID {
			continue
		}
		m.hide(id)
		r := payment.VaultRemoval{CustomerID: c.ProviderID, Customer: true}
		for _, card := range m.cards {
			if card.CustomerID == id {
				m.hide(card.ID)
				r.CardIDs = append(r.CardIDs, card.ProviderCard.ID)
			}
		}
		return r, nil
	}
	return payment.VaultRemoval{}, &failure.Error{Kind: failure.NotFound, Message: "there is no customer with this id"}
}

func (m *memory) ForgetCustomer(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.customers = slices.DeleteFunc(m.customers, func(c payment.Customer) bool { return c.ID == id })
	return m.unavailable
}

func (m *memory) KeepSavedCard(_ context.Context, c payment.SavedCard) (payment.SavedCard, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.cards, func(k payment.SavedCard) bool { return k.ID == c.ID })
	if m.unavailable != nil || i >= 0 {
		return c, false, m.unavailable
	}
	m.cards = append(m.cards, c)
	return c, true, nil
}

func (m *memory) SavedCards(_ context.Context, customerID string) (found []payment.SavedCard, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.cards {
		if c.CustomerID == customerID && !m.hidden[c.ID] {
			found = append(found, c)
		}
	}
	return found, m.unavailable
}

func (m *memory) SavedCard(ctx context.Context, customerID, id string) (payment.SavedCard, error) {
	cards, err := m.SavedCards(ctx, customerID)
	for _, c := range cards {
		if c.ID == id {
			return c, err
		}
	}
	return payment.SavedCard{}, &failure.Error{Kind: failure.NotFound, Message: "the customer has no card with this id"}
}

func (m *memory) HideSavedCard(_ context.Context, customer payment.Customer, id string, _ time.Time) (payment.VaultRemoval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.cards {
		if c.ID == id && c.CustomerID == customer.ID {
			m.hide(id)
			return payment.VaultRemoval{CustomerID: customer.ProviderID, CardIDs: []string{c.ProviderCard.ID}}, nil
		}
	}
	return payment.VaultRemoval{}, &failure.Error{Kind: failure.NotFound, Message: "the customer has no card with this id"}
}

func (m *memory) ForgetSavedCard(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cards = slices.DeleteFunc(m.cards, func(c payment.SavedCard) bool { return c.ID == id })
	return m.unavailable
}
