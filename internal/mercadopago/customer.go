package mercadopago

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// customerBody is what matters of a customer, in Mercado Pago's words (API reference, customers).
type customerBody struct {
	ID    text `json:"id"`
	Email text `json:"email"`
}

// vaultID is what the ids of customers and saved cards look like: 1164726384-XvJ9pWqk and 8987269652. They stand in paths.
var vaultID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

func (b customerBody) read() (string, error) {
	if !vaultID.MatchString(string(b.ID)) {
		return "", unreadable(errors.New("a customer without an id"))
	}
	return string(b.ID), nil
}

// customerExists is the code of the refusal to make a second customer with one e-mail address.
const customerExists = "101"

// Customer is Mercado Pago's id of the customer with an e-mail address, which is made when there is none. There is one for each address, so
// that it is safe to ask again after an answer that was lost. One that is there already stays as it is.
func (c *Client) Customer(ctx context.Context, r payment.CustomerRequest) (id string, err error) {
	id, err = c.findCustomer(ctx, r.Email)
	if err == nil && id == "" {
		id, err = c.makeCustomer(ctx, r)
		if errors.Is(err, errCustomerExists) { // another call has just made it, or the search did not have it yet
			if id, err = c.findCustomer(ctx, r.Email); err == nil && id == "" {
				err = &failure.Error{Kind: failure.Unavailable, Message: "Mercado Pago has this customer, and does not find it yet"}
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf("find or make a customer: %w", err)
	}
	return id, nil
}

// findCustomer is the id of the customer with an e-mail address, "" when the search has none.
func (c *Client) findCustomer(ctx context.Context, email string) (id string, err error) {
	err = c.ask(ctx, opFindCustomer, addressee(email), "", c.get("/v1/customers/search", url.Values{"email": {email}}), func(body []byte) error {
		var found struct {
			Results many[customerBody] `json:"results"`
		}
		if err := json.Unmarshal(body, &found); err != nil {
			return unreadable(err)
		}
		for _, one := range found.Results {
			if strings.EqualFold(string(one.Email), email) {
				id, err = one.read()
				return err
			}
		}
		return nil
	})
	return id, err
}

var errCustomerExists = errors.New("there is a customer with this e-mail address")

func (c *Client) makeCustomer(ctx context.Context, r payment.CustomerRequest) (id string, err error) {
	person := payer(payment.Payer{Email: r.Email, Name: r.Name, TaxID: r.TaxID})
	err = c.ask(ctx, opMakeCustomer, addressee(r.Email), "", func(ctx context.Context) error {
		return c.raw(ctx, http.MethodPost, "/v1/customers", nil, person)
	}, func(body []byte) error {
		var made customerBody
		if err := json.Unmarshal(body, &made); err != nil {
			return unreadable(err)
		}
		id, err = made.read()
		return err
	})
	return id, err
}

// addressee is an e-mail address as the subject of a call, which is seen in Redis.
func addressee(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return "customer " + hex.EncodeToString(sum[:8])
}

// RemoveFromVault removes cards, and their customer if it is to go, too. What is gone already is no error: it may be called again.
func (c *Client) RemoveFromVault(ctx context.Context, r payment.VaultRemoval) error {
	if !vaultID.MatchString(r.CustomerID) {
		return fmt.Errorf("remove customer %.40q: not an id of Mercado Pago's", r.CustomerID)
	}
	path := "/v1/customers/" + r.CustomerID
	for _, id := range r.CardIDs {
		if !vaultID.MatchString(id) {
			return fmt.Errorf("remove saved card %.40q: not an id of Mercado Pago's", id)
		}
		if err := c.remove(ctx, opRemoveCard, r.CustomerID, path+"/cards/"+id); err != nil && failure.KindOf(err) != failure.NotFound {
			return fmt.Errorf("remove saved card %s: %w", id, err)
		}
	}
	if !r.Customer {
		return nil
	}
	// The official SDKs use the first path, and Mercado Pago's OpenAPI file has the second. One that there is not answers 404 or 405.
	for _, path := range []string{path, path + "/delete"} {
		err := c.remove(ctx, opRemoveCustomer, r.CustomerID, path)
		if err == nil {
			return nil
		}
		if failure.KindOf(err) != failure.NotFound && !errors.Is(err, errWrongMethod) {
			return fmt.Errorf("remove customer %s: %w", r.CustomerID, err)
		}
	}
	return nil
}

func (c *Client) remove(ctx context.Context, op operation, subject, path string) error {
	return c.ask(ctx, op, subject, "", func(ctx context.Context) error {
		return c.raw(ctx, http.MethodDelete, path, nil, nil)
	}, func([]byte) error { return nil })
}
