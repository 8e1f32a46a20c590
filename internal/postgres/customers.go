package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	customerColumns = `id, client_id, provider_customer_id, created_at`
	cardColumns     = `id, customer_id, provider_card_id, brand, first_six, last_four, expires_month, expires_year, created_at`
	selectCustomer  = `select ` + customerColumns + ` from customers `
	selectSavedCard = `select ` + cardColumns + ` from customer_cards `
)

func scanCustomer(row pgx.CollectableRow) (c payment.Customer, err error) {
	err = row.Scan(&c.ID, &c.ClientID, &c.ProviderID, &c.CreatedAt)
	c.CreatedAt = c.CreatedAt.UTC()
	return c, err
}

func scanSavedCard(row pgx.CollectableRow) (c payment.SavedCard, err error) {
	err = row.Scan(&c.ID, &c.CustomerID, &c.ProviderCard.ID, &c.Brand, &c.FirstSix, &c.LastFour, &c.ExpiresMonth, &c.ExpiresYear, &c.CreatedAt)
	c.CreatedAt = c.CreatedAt.UTC()
	return c, err
}

// keepCustomer changes nothing of a row that is there, but brings back one that was being removed.
const keepCustomer = `
insert into customers as c (` + customerColumns + `) values ($1, $2, $3, $4)
on conflict (id) do update set removed_at = null, created_at = case when c.removed_at is null then c.created_at else excluded.created_at end
returning ` + customerColumns

// KeepCustomer writes a customer, or finds it written. Either way the result is the customer as it stands, and written says whether this call
// has written it.
func (s *Store) KeepCustomer(ctx context.Context, c payment.Customer) (stands payment.Customer, written bool, err error) {
	c.CreatedAt = micro(c.CreatedAt)
	rows, _ := s.pool.Query(ctx, keepCustomer, c.ID, c.ClientID, c.ProviderID, c.CreatedAt) // rows know the error, too
	stands, err = pgx.CollectExactlyOneRow(rows, scanCustomer)
	return stands, stands.CreatedAt.Equal(c.CreatedAt), interpret("write customer "+c.ID, err)
}

// Customer reads a client app's customer; kind NotFound when it has none with this id.
func (s *Store) Customer(ctx context.Context, clientID, id string) (payment.Customer, error) {
	c, err := readRow(ctx, s.pool, scanCustomer, selectCustomer+`where id = $1 and client_id = $2 and removed_at is null`, id, clientID)
	return c, noCustomer(id, err)
}

func noCustomer(id string, err error) error {
	err = interpret("customer "+id, err)
	if failure.KindOf(err) == failure.NotFound {
		return &failure.Error{Kind: failure.NotFound, Message: "there is no customer with this id", Err: err}
	}
	return err
}

// keepSavedCard writes no card of a customer that is being removed.
const keepSavedCard = `
insert into customer_cards as c (` + cardColumns + `)
select $1, id, $3, $4, $5, $6, $7, $8, $9 from customers where id = $2 and removed_at is null
on conflict (id) do update set removed_at = null, created_at = case when c.removed_at is null then c.created_at else excluded.created_at end
returning ` + cardColumns

// KeepSavedCard does for a card what KeepCustomer does for its customer; kind NotFound when that is gone.
func (s *Store) KeepSavedCard(ctx context.Context, c payment.SavedCard) (stands payment.SavedCard, written bool, err error) {
	c.CreatedAt = micro(c.CreatedAt)
	rows, _ := s.pool.Query(ctx, keepSavedCard,
		c.ID, c.CustomerID, c.ProviderCard.ID, c.Brand, c.FirstSix, c.LastFour, c.ExpiresMonth, c.ExpiresYear, c.CreatedAt)
	stands, err = pgx.CollectExactlyOneRow(rows, scanSavedCard)
	return stands, stands.CreatedAt.Equal(c.CreatedAt), noCustomer(c.CustomerID, err)
}

// SavedCards lists a customer's cards, oldest first.
func (s *Store) SavedCards(ctx context.Context, customerID string) ([]payment.SavedCard, error) {
	list, err := readRows(ctx, s.pool, scanSavedCard, selectSavedCard+`where customer_id = $1 and removed_at is null order by created_at, id`, customerID)
	return list, interpret("list the cards of customer "+customerID, err)
}

// SavedCard reads one of a customer's cards; kind NotFound when there is none with this id.
func (s *Store) SavedCard(ctx context.Context, customerID, id string) (payment.SavedCard, error) {
	c, err := readRow(ctx, s.pool, scanSavedCard, selectSavedCard+`where id = $1 and customer_id = $2 and removed_at is null`, id, customerID)
	return c, noSavedCard(id, err)
}

func noSavedCard(id string, err error) error {
	err = interpret("saved card "+id, err)
	if failure.KindOf(err) == failure.NotFound {
		return &failure.Error{Kind: failure.NotFound, Message: "the customer has no card with this id", Err: err}
	}
	return err
}

// hideCustomer hides a client app's customer and its cards.
const hideCustomer = `
with customer as (
    update customers set removed_at = coalesce(removed_at, $3) where id = $1 and client_id = $2 returning id, provider_customer_id
), card as (
    update customer_cards c set removed_at = coalesce(removed_at, $3) from customer where c.customer_id = customer.id returning c.provider_card_id
)
select provider_customer_id, coalesce((select array_agg(provider_card_id order by provider_card_id) from card), '{}') from customer`

// HideCustomer hides a client app's customer with its cards, and says what the vault is to remove: what no row of another one has. It hides
// first and looks then, so that of two client apps that remove at once one finds itself the last. Again it says the same, until
// ForgetCustomer. Kind NotFound when there is none with this id.
func (s *Store) HideCustomer(ctx context.Context, clientID, id string, at time.Time) (payment.VaultRemoval, error) {
	var r payment.VaultRemoval
	if err := s.pool.QueryRow(ctx, hideCustomer, id, clientID, at).Scan(&r.CustomerID, &r.CardIDs); err != nil {
		return r, noCustomer(id, err)
	}
	return s.unused(ctx, r, true)
}

// HideSavedCard does for a card what HideCustomer does for a customer.
func (s *Store) HideSavedCard(ctx context.Context, c payment.Customer, id string, at time.Time) (payment.VaultRemoval, error) {
	r := payment.VaultRemoval{CustomerID: c.ProviderID, CardIDs: make([]string, 1)}
	err := s.pool.QueryRow(ctx, `
update customer_cards set removed_at = coalesce(removed_at, $3) where id = $1 and customer_id = $2 returning provider_card_id`,
		id, c.ID, at).Scan(&r.CardIDs[0])
	if err != nil {
		return r, noSavedCard(id, err)
	}
	return s.unused(ctx, r, false)
}

// unused is what of a removal no row has that is not hidden.
func (s *Store) unused(ctx context.Context, r payment.VaultRemoval, customer bool) (payment.VaultRemoval, error) {
	var used bool
	err := s.pool.QueryRow(ctx, `
select exists (select from customers where provider_customer_id = $1 and removed_at is null),
       coalesce((select array_agg(hidden.card order by hidden.card) from unnest($2::text[]) hidden (card)
                 where not exists (select from customer_cards where provider_card_id = hidden.card and removed_at is null)), '{}')`,
		r.CustomerID, r.CardIDs).Scan(&used, &r.CardIDs)
	r.Customer = customer && !used
	return r, interpret("find what no other client app uses of customer "+r.CustomerID, err)
}

// ForgetCustomer removes a hidden customer with its cards.
func (s *Store) ForgetCustomer(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, `delete from customers where id = $1 and removed_at is not null`, id)
	return interpret("remove customer "+id, err)
}

// ForgetSavedCard removes a hidden card.
func (s *Store) ForgetSavedCard(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, `delete from customer_cards where id = $1 and removed_at is not null`, id)
	return interpret("remove saved card "+id, err)
}
