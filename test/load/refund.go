package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// Refund is what a client wants back of a payment that its buyer has paid, and what the client knows about it.
type Refund struct {
	Key          string `json:"key"`
	Amount       int64  `json:"amount"` // centavos; 0: all
	ID           string `json:"id,omitempty"`
	Acknowledged bool   `json:"acknowledged,omitempty"` // 201 or 202 was seen
	Refused      string `json:"refused,omitempty"`      // the problem's code
}

// drawRefund decides whether the client will want money back, and how much.
func (c *customer) drawRefund() {
	if c.random.Float64() >= c.generator.Refund {
		return
	}
	c.Intent.Refund = &Refund{Key: c.Key + "-back"}
	if c.random.IntN(2) == 0 {
		c.Intent.Refund.Amount = 1 + c.random.Int64N(c.Amount)
	}
}

// giveBack asks for the refund, and repeats it under the same key while its outcome is not known.
func (c *customer) giveBack(ctx context.Context) {
	r := c.Intent.Refund
	if r == nil || payment.Status(c.Status) != payment.Approved {
		return
	}
	for wait := repeatMin; !c.askBack(ctx, r) && sleep(ctx, wait); wait = min(2*wait, repeatMax) {
	}
	for wait := readMin; r.Acknowledged && payment.Status(c.Status) == payment.Approved && sleep(ctx, wait); wait = min(wait*3/2, readMax) {
		c.read(ctx)
	}
}

// askBack asks once; true means that there is an answer for good.
func (c *customer) askBack(ctx context.Context, r *Refund) bool {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	body := `{"all": true}`
	if r.Amount > 0 {
		body = fmt.Sprintf(`{"amount": %d}`, r.Amount)
	}
	answer, err := c.shop().Refund(ctx, c.PaymentID, r.Key, body)
	a := Answer{Code: answer.Status}
	if err != nil {
		a.Code = 0
	}
	switch {
	case a.repeatable():
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // none: 0
		sleep(ctx, time.Duration(seconds)*time.Second)
		return false
	case a.Code != http.StatusCreated && a.Code != http.StatusAccepted:
		r.Refused = problem(answer.Body)
	default:
		var made struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(answer.Body, &made) // the checker misses an id that is not there
		r.ID, r.Acknowledged = made.ID, true
	}
	c.log.refunded(c.Intent)
	return true
}
