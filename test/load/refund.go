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
	Amount       int64  `json:"amount"` // centavos; 0: all that is left
	ID           string `json:"id,omitempty"`
	Acknowledged bool   `json:"acknowledged,omitempty"` // 201 or 202 was seen
	Refused      string `json:"refused,omitempty"`      // the problem's code
	Codes        []int  `json:"codes,omitempty"`        // of all answers; 0: no complete response
}

// Body is the request.
func (r Refund) Body() string {
	if r.Amount == 0 {
		return `{"all": true}`
	}
	return fmt.Sprintf(`{"amount": %d}`, r.Amount)
}

// drawRefunds decides whether the client will want money back, and in how many parts: all, a part, two equal parts, or a part and the rest.
func (c *customer) drawRefunds() {
	if c.random.Float64() >= c.generator.Refund {
		return
	}
	part := 1 + c.random.Int64N(c.Amount/2)
	for n, amount := range [][]int64{{0}, {part}, {part, part}, {part, 0}}[c.random.IntN(4)] {
		c.Refunds = append(c.Refunds, Refund{Key: c.Key + "-back-" + strconv.Itoa(n+1), Amount: amount})
	}
	if c.random.Float64() < c.generator.Panel {
		c.Panel = 1 + c.random.Int64N(part)
	}
}

// giveBack asks for the refunds, each repeated under its key while its outcome is not known. The seller may have refunded a part before.
func (c *customer) giveBack(ctx context.Context) {
	if payment.Status(c.Status) != payment.Approved || len(c.Refunds) == 0 {
		return
	}
	if c.Panel > 0 && c.Provider.Refund(ctx, c.ProviderPaymentID, c.Panel) == nil {
		for tries := 0; tries < 20 && payment.Status(c.Status) == payment.Approved && sleep(ctx, readMax/4); tries++ {
			c.read(ctx) // what is left is known once the platform knows of the panel's refund
		}
	}
	pending := false
	for n := range c.Refunds {
		r := &c.Refunds[n]
		for wait := repeatMin; !c.askBack(ctx, r) && sleep(ctx, wait); wait = min(2*wait, repeatMax) {
		}
		pending = pending || r.Acknowledged
	}
	for wait := readMin; pending && payment.Status(c.Status) == payment.Approved && sleep(ctx, wait); wait = min(wait*3/2, readMax) {
		c.read(ctx)
	}
}

// askBack asks once; true means that there is an answer for good.
func (c *customer) askBack(ctx context.Context, r *Refund) bool {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	answer, err := c.shop().Refund(ctx, c.PaymentID, r.Key, r.Body())
	a := Answer{Code: answer.Status}
	if err != nil {
		a.Code = 0
	}
	r.Codes = append(r.Codes, a.Code)
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
	c.log.refunded(c.Intent, r)
	return true
}

// cancel lets the client cancel the payment; false means that it did not happen now. A conflict says that it has ended, perhaps by a cancel
// whose answer was lost.
func (c *customer) cancel(ctx context.Context) error {
	onPaid := []string{"keep", "refund"}[c.random.IntN(2)]
	answer, err := c.shop().Cancel(ctx, c.PaymentID, fmt.Sprintf(`{"on_paid": %q}`, onPaid))
	if err == nil && answer.Status != http.StatusOK && answer.Status != http.StatusConflict {
		err = fmt.Errorf("answer %d", answer.Status)
	}
	return err
}
