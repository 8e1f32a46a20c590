package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Account is a seller's account at Mercado Pago, as GET /users/me describes the one that the access token belongs to.
type Account struct {
	ID   string // decimal; the collector_id of its payments
	Site string // the country's site, MLB for Brazil
	Test bool   // a test user, whose payments move no money
}

// accountBody is what matters of GET /users/me (official SDK, pkg/user). A test user has an address at testuser.com (API
// reference, POST /users/test).
type accountBody struct {
	ID    text `json:"id"`
	Site  text `json:"site_id"`
	Email text `json:"email"`
}

// Account asks whose access token ours is. It needs no payment, so it also tells a token that is not accepted at all (kind
// Unauthorized) from an answer about one resource. Errors: as every call's; Unavailable when the answer cannot be read.
func (c *Client) Account(ctx context.Context) (Account, error) {
	body, err := c.ask(ctx, "account", "", func(ctx context.Context) error {
		_, err := c.users.Get(ctx)
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("read our account: %w", err)
	}
	var found accountBody
	if err := json.Unmarshal(body, &found); err != nil {
		return Account{}, fmt.Errorf("read our account: %w", unreadable(err))
	}
	if !decimal(string(found.ID)) {
		return Account{}, fmt.Errorf("read our account: %w", unreadable(errors.New("no account id")))
	}
	return Account{
		ID: string(found.ID), Site: string(found.Site), Test: strings.HasSuffix(strings.ToLower(string(found.Email)), "@testuser.com"),
	}, nil
}
