package load

import (
	"context"
	"strings"

	"github.com/onlywave/onlywave/test/simulator"
)

// Challenge is what the buyer does whose bank asks for a challenge (3-D Secure).
type Challenge string

// What such a buyer does. One who leaves it keeps the payment waiting.
const (
	Passes    Challenge = "passes"
	Fails     Challenge = "fails"
	LeavesIt  Challenge = "leaves it"
	plainCard           = "5031433215406351"
)

// drawChallenge decides whether the card of the buyer has to pass a challenge, and what the buyer does then. It draws last, so that
// everything else is as it would be without it. Reserved money is not challenged.
func (c *customer) drawChallenge() {
	x, what := c.random.Float64(), c.random.IntN(8)
	if c.Buyer != PaysByCard || c.Reserve || x >= c.generator.Challenge {
		return
	}
	c.Challenge = []Challenge{Passes, Passes, Passes, Passes, Passes, Fails, Fails, LeavesIt}[what]
	if c.Challenge == LeavesIt && c.Leave == 0 {
		c.Challenge = Passes
	}
}

// cardNumber is that of the buyer's test card.
func (c *customer) cardNumber() string {
	if c.Challenge != "" {
		return simulator.ChallengeCard
	}
	return plainCard
}

// challenged is the order of a card whose bank may ask for a challenge.
func challenged(order string) string {
	return strings.Replace(order, `"type": "card"`, `"type": "card", "three_d_secure": "optional"`, 1)
}

// prove lets the buyer end the challenge.
func (c *customer) prove(ctx context.Context) error {
	return c.Provider.EndChallenge(ctx, c.ProviderPaymentID, c.Challenge == Passes)
}
