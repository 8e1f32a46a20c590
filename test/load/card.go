package load

import (
	"context"

	"github.com/onlywave/onlywave/test/platform"
)

// holders of test cards, of which most pay.
var holders = []string{"APRO", "APRO", "APRO", "APRO", "FUND", "OTHE", "APRO"}

// drawCard decides whether the buyer pays by card instead. It draws last, so that everything else is as it would be without cards.
func (c *customer) drawCard() {
	x, holder := c.random.Float64(), holders[c.random.IntN(len(holders))]
	if c.Buyer == Pays && x < c.generator.Card {
		c.Buyer, c.Holder = PaysByCard, holder
	}
}

// fetchToken plays the buyer's browser: it makes a token of the card, and tries again as long as the provider does not answer.
func (c *customer) fetchToken(ctx context.Context) bool {
	if c.OnPage {
		c.Body = platform.EnteredCardOrder(c.Amount, c.Key)
		return true
	}
	if c.Saved {
		customerID, token := c.saveCard(ctx)
		if c.Saved = token != ""; c.Saved {
			c.Body = platform.BySaved(c.cardOrder(token), customerID)
			return true
		}
	}
	for wait := repeatMin; ; wait = min(2*wait, repeatMax) {
		token, err := c.Provider.CardTokenOf(ctx, c.cardNumber(), c.Holder)
		if err == nil {
			c.Body = c.cardOrder(token)
			return true
		}
		if !sleep(ctx, wait) {
			return false
		}
	}
}

func (c *customer) cardOrder(token string) string {
	order := platform.CardOrder(c.Amount, c.Key, token, 1+len(c.Key)%3)
	if c.Reserve {
		order = platform.Reserving(order)
	}
	if c.Challenge != "" {
		order = challenged(order)
	}
	return order
}
