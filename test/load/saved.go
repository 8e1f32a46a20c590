package load

import (
	"context"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// savedWithin is how long a buyer waits for a card to be saved. Then the card pays without that.
const savedWithin = 15 * time.Second

// drawSaved decides whether the client saves the card first, and pays with the saved one. It draws last, so that everything else is as it would
// be without it.
func (c *customer) drawSaved() {
	x := c.random.Float64()
	c.Saved = c.Buyer == PaysByCard && x < c.generator.Saved
}

// email is the address of a buyer whose card is saved. Each has its own.
func (i Intent) email() string { return strings.ToLower(i.Key) + "@example.com" }

// saveCard saves the card, makes a token of the saved one, and returns the customer's id with it; "" when that takes too long.
func (c *customer) saveCard(ctx context.Context) (customerID, token string) {
	ctx, cancel := context.WithTimeout(ctx, savedWithin)
	defer cancel()
	customer, card, typed := platform.Customer{}, platform.SavedCard{}, ""
	steps := []func() error{
		func() error {
			answer, err := c.shop().PostCustomer(ctx, c.email())
			return decode(answer, err, &customer)
		},
		func() (err error) {
			typed, err = c.Provider.CardTokenOf(ctx, c.cardNumber(), c.Holder)
			return err
		},
		func() error {
			answer, err := c.shop().PostCard(ctx, customer.ID, typed)
			return decode(answer, err, &card)
		},
		func() (err error) {
			token, err = c.Provider.SavedCardToken(ctx, card.ProviderCardID)
			return err
		},
	}
	for _, step := range steps {
		for wait := repeatMin; step() != nil; wait = min(2*wait, repeatMax) {
			if !sleep(ctx, wait) {
				return "", ""
			}
		}
	}
	return customer.ID, token
}

// KeepCustomer asks a shop again for the customer that the request names: the database may have lost it. It is the same one.
func (i Intent) KeepCustomer(ctx context.Context, shop *platform.Shop) error {
	if !i.Saved {
		return nil
	}
	answer, err := shop.PostCustomer(ctx, i.email())
	return decode(answer, err, &platform.Customer{})
}

func decode(answer platform.Answer, err error, into any) error {
	if err != nil {
		return err
	}
	return answer.Decode(into)
}
