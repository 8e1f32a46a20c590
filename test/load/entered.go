package load

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// drawEntered decides whether the buyer enters the card on the pay page, and which cards: one whose card is rejected mostly enters another, and
// some leave. It draws last, so that everything else is as it would be without it.
func (c *customer) drawEntered() {
	x, leaves := c.random.Float64(), c.random.IntN(5) == 0
	if c.Buyer != PaysByCard || c.Saved || c.Reserve || c.Challenge != "" || x >= c.generator.Entered {
		return
	}
	leaves = leaves && c.Leave > 0
	c.OnPage = true
	if c.Cards = []string{c.Holder}; c.Holder != goodHolder {
		c.Cards = append(c.Cards, goodHolder)
	}
	if leaves {
		c.Cards = c.Cards[:len(c.Cards)-1]
	}
}

const goodHolder = "APRO"

// waitsForCard says whether the payment waits for its buyer to enter a card.
func (c *customer) waitsForCard() bool {
	return c.OnPage && payment.Status(c.Status) == payment.Pending && c.Page != ""
}

// enter lets the buyer enter the next card; false means that none is left. A card whose answer is lost is sent again.
func (c *customer) enter(ctx context.Context) bool {
	if c.Entered == len(c.Cards) {
		return c.Entered > 0 && c.Cards[c.Entered-1] == goodHolder // an older copy was read
	}
	if !sleep(ctx, c.think) {
		return false
	}
	var err error
	if c.token == "" {
		if c.token, err = c.Provider.CardTokenOf(ctx, c.cardNumber(), c.Cards[c.Entered]); err != nil {
			return true
		}
	}
	c.acted = time.Now()
	if problem, err := c.shop().EnterCard(ctx, c.Page, c.token); err == nil && problem == "" {
		c.token = ""
		c.log.entered(c.Intent)
	}
	return true
}
