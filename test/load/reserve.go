package load

import (
	"context"
	"fmt"
	"net/http"
)

// drawReserve decides whether the client only reserves the money of a card, and what it does then: it captures all or a part, or gives it up.
// It draws last, so that everything else is as it would be without it. Of a part no more than that can be given back.
func (c *customer) drawReserve() {
	x, what, part := c.random.Float64(), c.random.IntN(4), 1+c.random.Int64N(c.Amount)
	if c.Buyer != PaysByCard || x >= c.generator.Reserve {
		return
	}
	c.Reserve = true
	switch what {
	case 0: // it is given up
	case 1:
		c.Capture, c.Panel = part, 0
		if len(c.Refunds) > 0 {
			c.Refunds = c.Refunds[:1]
			c.Refunds[0].Amount = 0
		}
	default:
		c.Capture = c.Amount
	}
}

// finish captures the reserved money, or gives it up. A conflict says that it has ended, perhaps by a request whose answer was lost.
func (c *customer) finish(ctx context.Context) error {
	path, body := "cancel", `{"on_paid": "keep"}`
	if c.Capture > 0 {
		path, body = "capture", fmt.Sprintf(`{"amount": %d}`, c.Capture)
	}
	answer, err := c.shop().Order(ctx, c.PaymentID, path, body)
	if err == nil && answer.Status != http.StatusOK && answer.Status != http.StatusConflict {
		err = fmt.Errorf("answer %d", answer.Status)
	}
	c.Finished = c.Finished || err == nil && answer.Status == http.StatusOK
	return err
}
