package load

import (
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// drawBoleto decides whether the buyer gets a boleto instead of a Pix, some with a discount for paying early. It draws after everything else,
// so that all that is as it would be without boletos. A buyer who leaves keeps the Pix, because a boleto outlives every run.
func (c *customer) drawBoleto(now time.Time) {
	x, discount := c.random.Float64(), c.random.Float64() < 1.0/3
	if x >= c.generator.Boleto || c.Buyer == PaysByCard || c.Buyer == Leaves {
		return
	}
	c.Boleto = true
	if discount {
		c.Discount = c.Amount / 10
	}
	c.Body = platform.BoletoOrder(c.Amount, c.Discount, c.Key, c.late, now)
}
