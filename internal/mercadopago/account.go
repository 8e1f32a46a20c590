package mercadopago

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/failure"
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

// Account asks whose access token ours is, and remembers the answer: later answers about another account's payments are marked as
// foreign. It needs no payment, so it also separates a token that is not accepted at all (kind Unauthorized) from an answer about
// one resource. Errors: as every call's; Unavailable when the answer cannot be read.
func (c *Client) Account(ctx context.Context) (Account, error) {
	var found Account
	err := c.ask(ctx, opAccount, "account", "", func(ctx context.Context) error {
		_, err := c.users.Get(ctx)
		return err
	}, func(body []byte) (err error) {
		found, err = readAccount(body)
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("read our account: %w", err)
	}
	c.learned.Store(&found)
	return found, nil
}

func readAccount(body []byte) (Account, error) {
	var found accountBody
	if err := json.Unmarshal(body, &found); err != nil {
		return Account{}, unreadable(err)
	}
	if !decimal(string(found.ID)) {
		return Account{}, unreadable(errors.New("no account id"))
	}
	return Account{
		ID: string(found.ID), Site: string(found.Site), Test: strings.HasSuffix(strings.ToLower(string(found.Email)), "@testuser.com"),
	}, nil
}

// CheckAccount makes sure that the access token belongs to the account that the configuration means, as far as it says: the
// collector's ID, and in live no test user. The error is of kind Conflict when it does not, which no retry mends; otherwise it is
// the call's own.
func (c *Client) CheckAccount(ctx context.Context) (Account, error) {
	account, err := c.Account(ctx)
	switch {
	case err != nil:
		return account, err
	case c.collector != "" && account.ID != c.collector:
		return account, &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf(
			"the access token belongs to Mercado Pago's account %s, and MERCADOPAGO_COLLECTOR_ID expects %s", account.ID, c.collector)}
	case c.live && account.Test:
		return account, &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf(
			"the access token belongs to the test user %s, and ENVIRONMENT is live", account.ID)}
	}
	return account, nil
}

// reader reads answers about payments of one account. The zero value believes them all.
type reader struct {
	collector string                 // whose payments they must be; "": not known
	live      bool                   // they must move money
	unknown   *prometheus.CounterVec // words that are not known here; nil: not counted

	notified *url.URL // where our notifications go; nil: not known
}

// reader is what the configuration expects, or what the account of the access token is.
func (c *Client) reader() reader {
	r := reader{collector: c.collector, live: c.live, notified: c.notificationURL, unknown: c.unknown}
	if account := c.learned.Load(); r.collector == "" && account != nil {
		r.collector = account.ID
	}
	return r
}

// foreign says why an answer is not about a payment of our account, "" when nothing speaks against it. In live a test payment is
// foreign, too: it moves no money. The reverse is no contradiction, because a test user may have credentials for production,
// and Mercado Pago does not say what live_mode is then.
func (r reader) foreign(p paymentBody) string {
	switch {
	case r.collector != "" && p.CollectorID != "" && string(p.CollectorID) != r.collector:
		return fmt.Sprintf("the provider's payment %s belongs to the account %s, ours is %s", p.ID, p.CollectorID, r.collector)
	case r.live && p.LiveMode.known && !p.LiveMode.on:
		return fmt.Sprintf("the provider's payment %s is a test (live_mode is false), and we are live", p.ID)
	}
	return ""
}
