package postgres

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const vaultCustomer = "1164726384-XvJ9pWqk"

func (s *Store) keepCustomer(t *testing.T, clientID string) payment.Customer {
	t.Helper()
	c, _, err := s.KeepCustomer(t.Context(), payment.NewCustomer(clientID, vaultCustomer, timeAt(1)))
	require.NoError(t, err)
	return c
}

func (s *Store) keepCard(t *testing.T, customerID, providerID string) payment.SavedCard {
	t.Helper()
	c, _, err := s.KeepSavedCard(t.Context(), payment.NewSavedCard(customerID, payment.ProviderCard{
		ID: providerID, Brand: "master", FirstSix: "503143", LastFour: "6351", ExpiresMonth: 11, ExpiresYear: 2030,
	}, timeAt(2)))
	require.NoError(t, err)
	return c
}

// rival is a second client app.
func (s *Store) rival(t *testing.T) {
	t.Helper()
	_, err := s.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "rival", Scopes: access.Scopes()}, timeAt(0))
	require.NoError(t, err)
}

func TestACustomerAndItsCardsAreKeptOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.rival(t)
	first, written, err := s.KeepCustomer(t.Context(), payment.NewCustomer("shop", vaultCustomer, timeAt(1)))
	require.NoError(t, err)
	require.True(t, written)
	again, written, err := s.KeepCustomer(t.Context(), payment.NewCustomer("shop", vaultCustomer, timeAt(9)))
	require.NoError(t, err)
	require.False(t, written)
	require.Equal(t, first, again)

	card := s.keepCard(t, first.ID, "8987269652")
	same, written, err := s.KeepSavedCard(t.Context(), payment.NewSavedCard(first.ID, card.ProviderCard, timeAt(9)))
	require.NoError(t, err)
	require.False(t, written)
	require.Equal(t, card, same)
	cards, err := s.SavedCards(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, []payment.SavedCard{card}, cards)

	// The other client app has the same customer of Mercado Pago's, and sees nothing of this one's.
	rivals := s.keepCustomer(t, "rival")
	require.NotEqual(t, first.ID, rivals.ID)
	_, err = s.Customer(t.Context(), "rival", first.ID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	cards, err = s.SavedCards(t.Context(), rivals.ID)
	require.NoError(t, err)
	require.Empty(t, cards)
	_, err = s.SavedCard(t.Context(), rivals.ID, card.ID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	_, err = s.HideCustomer(t.Context(), "rival", first.ID, timeAt(3))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	_, err = s.HideSavedCard(t.Context(), rivals, card.ID, timeAt(3))
	require.Equal(t, failure.NotFound, failure.KindOf(err))
}

// What another client app uses stays in the vault; what nobody uses any more goes, and each step may be repeated.
func TestOnlyWhatNobodyUsesIsRemovedFromTheVault(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.rival(t)
	ours, rivals := s.keepCustomer(t, "shop"), s.keepCustomer(t, "rival")
	own, shared := s.keepCard(t, ours.ID, "1"), s.keepCard(t, ours.ID, "2")
	s.keepCard(t, rivals.ID, "2")

	for range 2 {
		r, err := s.HideSavedCard(t.Context(), ours, shared.ID, timeAt(3))
		require.NoError(t, err)
		require.Equal(t, payment.VaultRemoval{CustomerID: vaultCustomer, CardIDs: []string{}}, r)
	}
	require.NoError(t, s.ForgetSavedCard(t.Context(), shared.ID))
	for range 2 {
		r, err := s.HideCustomer(t.Context(), "shop", ours.ID, timeAt(4))
		require.NoError(t, err)
		require.Equal(t, payment.VaultRemoval{CustomerID: vaultCustomer, CardIDs: []string{"1"}}, r)
	}
	_, err := s.Customer(t.Context(), "shop", ours.ID)
	require.Equal(t, failure.NotFound, failure.KindOf(err), "it is hidden at once")
	_, _, err = s.KeepSavedCard(t.Context(), payment.NewSavedCard(ours.ID, own.ProviderCard, timeAt(5)))
	require.Equal(t, failure.NotFound, failure.KindOf(err), "it takes no more cards")
	require.NoError(t, s.ForgetCustomer(t.Context(), ours.ID))
	require.NoError(t, s.ForgetCustomer(t.Context(), rivals.ID), "it is not hidden, and stays")
	require.Equal(t, 1, s.number(t, `select count(*) from customers`))
	require.Equal(t, 1, s.number(t, `select count(*) from customer_cards`))

	r, err := s.HideCustomer(t.Context(), "rival", rivals.ID, timeAt(6))
	require.NoError(t, err)
	require.Equal(t, payment.VaultRemoval{CustomerID: vaultCustomer, Customer: true, CardIDs: []string{"2"}}, r)

	// A customer that comes back before it is forgotten has no cards.
	back, written, err := s.KeepCustomer(t.Context(), payment.NewCustomer("rival", vaultCustomer, timeAt(7)))
	require.NoError(t, err)
	require.True(t, written)
	require.Equal(t, timeAt(7), back.CreatedAt)
	cards, err := s.SavedCards(t.Context(), back.ID)
	require.NoError(t, err)
	require.Empty(t, cards)
	require.NoError(t, s.ForgetCustomer(t.Context(), back.ID))
	_, err = s.Customer(t.Context(), "rival", back.ID)
	require.NoError(t, err)
}

// Of two client apps that remove the same customer at once, one at least finds that nobody uses it.
func TestTheLastToRemoveACustomerFindsItUnused(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.rival(t)
	for range 20 {
		customers := []payment.Customer{s.keepCustomer(t, "shop"), s.keepCustomer(t, "rival")}
		var wait sync.WaitGroup
		alone := make([]bool, len(customers))
		for i, c := range customers {
			s.keepCard(t, c.ID, "1")
			wait.Go(func() {
				r, err := s.HideCustomer(t.Context(), c.ClientID, c.ID, timeAt(3))
				alone[i] = err == nil && r.Customer && len(r.CardIDs) == 1
			})
		}
		wait.Wait()
		require.Contains(t, alone, true)
	}
}
