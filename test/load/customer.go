package load

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
)

const (
	oneTry    = 40 * time.Second // longer than the longest wait a client may prefer
	oneRead   = 10 * time.Second
	repeatMin = 100 * time.Millisecond // between the tries of a request, doubling,
	repeatMax = 2 * time.Second        // up to this, unless Retry-After is longer
	readMin   = 50 * time.Millisecond  // between the reads of a payment
	readMax   = 2 * time.Second
	thinkMax  = 300 * time.Millisecond // the longest time until a buyer acts
)

// customer is one client's request and its buyer. Everything random about it depends on the seed and its number only.
type customer struct {
	*generator
	*Intent
	random  *rand.Rand
	think   time.Duration // how long the buyer looks at the QR code
	late    string        // what the client wants of money that comes after the end
	next    int           // index of the next shop
	acted   time.Time     // when the buyer first tried to act
	known   bool          // to the flood of webhooks
	token   string        // of the card that is being entered
	renewed bool          // the customer was asked for again
}

func (g *generator) newCustomer(i int, due time.Time) *customer {
	c := &customer{generator: g, Intent: &g.log.Intents[i], next: i, random: rand.New(rand.NewPCG(g.Seed, uint64(i)))}
	*c.Intent = Intent{
		Key: g.Name + "-" + strconv.Itoa(i+1), Amount: 100 + c.random.Int64N(99_900), Buyer: g.draw(c.random.Float64()), Intended: due,
	}
	c.think = time.Duration(c.random.Int64N(int64(thinkMax)))
	c.drawRefunds()
	c.late = []string{"keep", "refund"}[c.random.IntN(2)]
	c.Body = platform.OrderWithin(c.Amount, c.Key, c.Within, c.late)
	c.drawCard()
	c.drawBoleto(due)
	c.drawReserve()
	c.drawChallenge()
	c.drawDispute()
	c.drawSaved()
	c.drawEntered()
	return c
}

func (g *generator) draw(x float64) Buyer {
	switch {
	case x < g.Expire:
		return LetsExpire
	case x < g.Expire+g.Leave:
		return Leaves
	case x < g.Expire+g.Leave+g.Cancel:
		return Cancels
	}
	return Pays
}

// ask posts the order, and repeats it under the same key while its outcome is not known.
func (c *customer) ask(ctx context.Context) {
	c.Started = time.Now()
	ctx, cancel := context.WithDeadline(ctx, c.Started.Add(c.RetryFor))
	defer cancel()
	if c.Buyer == PaysByCard && !c.fetchToken(ctx) {
		c.log.answered(c.Intent, Answer{At: time.Now(), Error: "the provider made no token of the card"})
		c.log.done(c.Intent, time.Now())
		return
	}
	for wait := repeatMin; ; wait = min(2*wait, repeatMax) {
		a, retryAfter := c.try(ctx)
		c.log.answered(c.Intent, a)
		if c.Saved && a.Code == http.StatusUnprocessableEntity && c.KeepCustomer(ctx, c.shop()) == nil && !c.renewed {
			c.renewed = true
			continue // the database had lost the customer
		}
		if !a.repeatable() || !sleep(ctx, max(retryAfter, wait/2+time.Duration(c.random.Int64N(int64(wait))))) {
			break
		}
	}
	c.log.done(c.Intent, time.Now())
}

func (c *customer) shop() *platform.Shop {
	c.next++
	return c.Shops[(c.next-1)%len(c.Shops)]
}

func (c *customer) try(ctx context.Context) (a Answer, retryAfter time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	var header []string
	if c.Prefer != "" {
		header = []string{"Prefer", c.Prefer}
	}
	began, shop := time.Now(), c.shop()
	answer, err := shop.Post(ctx, c.Key, c.Body, header...)
	a = Answer{At: began, Took: time.Since(began), API: shop.URL, Code: answer.Status}
	if err != nil { // also when the connection broke in the middle of the response
		a.Code, a.Error = 0, err.Error()
		return a, 0
	}
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // none: 0
	if !a.Acknowledged() {
		a.Error = problem(answer.Body)
		return a, time.Duration(seconds) * time.Second
	}
	var p platform.Payment
	if err := json.Unmarshal(answer.Body, &p); err != nil {
		a.Error = "the body is not a payment"
		return a, 0
	}
	a.PaymentID, a.Status, a.Amount = p.ID, p.Status, p.Amount
	c.ProviderPaymentID, c.Page = p.Provider.PaymentID, p.Links.Pay
	return a, 0
}

// problem is the code of an error response.
func problem(body []byte) string {
	var p struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return "no problem document"
	}
	return p.Code
}

// repeatable says whether the client must repeat the request: its outcome is unknown, or the response asks for a later try.
func (a Answer) repeatable() bool {
	return a.Code == 0 || a.Code >= 500 || a.Code == http.StatusTooManyRequests
}

// follow reads the payment until it is settled, and lets the buyer act when it is pending.
func (c *customer) follow(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, later(time.Now(), c.log.Began.Add(c.Length)).Add(c.Linger))
	defer cancel()
	for wait := readMin; !c.finished(); wait = min(wait*3/2, readMax) {
		if c.waitsForCard() && !c.enter(ctx) {
			return
		}
		if payment.Status(c.Status) == payment.Pending && c.ProviderPaymentID != "" {
			if c.Buyer == Leaves || c.Challenge == LeavesIt || c.Provider == nil {
				c.meet()
				return
			}
			if !c.meet() && !sleep(ctx, c.think) {
				return
			}
			if c.act(ctx) {
				wait = readMin
			}
		}
		if payment.Status(c.Status) == payment.Authorized && c.act(ctx) {
			wait = readMin
		}
		if !sleep(ctx, wait) {
			return
		}
		c.read(ctx)
	}
	c.giveBack(ctx)
	c.dispute(ctx)
}

// meet makes a pending payment known to the flood of webhooks, once; the result says whether it was known before.
func (c *customer) meet() (knew bool) {
	knew, c.known = c.known, true
	if !knew {
		c.log.know(c.Intent)
	}
	return knew
}

func (c *customer) finished() bool { return !payment.Status(c.Status).Open() }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// act lets the buyer pay or lets the Pix expire; false means that it did not happen now.
func (c *customer) act(ctx context.Context) bool {
	if c.Acted {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, oneTry)
	defer cancel()
	if c.acted.IsZero() {
		c.acted = time.Now()
	}
	act := func() error { return c.Provider.Pay(ctx, c.ProviderPaymentID) }
	switch c.Buyer {
	case LetsExpire:
		act = func() error { return c.Provider.Expire(ctx, c.ProviderPaymentID) }
	case Cancels:
		act = func() error { return c.cancel(ctx) }
	case PaysByCard:
		act = func() error { return c.finish(ctx) }
		if c.Challenge != "" {
			act = func() error { return c.prove(ctx) }
		}
	}
	if act() != nil {
		return false // tried again after the next read
	}
	c.log.acted(c.Intent)
	return true
}

// read reads the payment. A failed read is counted, unless the end of the run cut it off.
func (c *customer) read(run context.Context) {
	ctx, cancel := context.WithTimeout(run, oneRead)
	defer cancel()
	p, err := c.shop().Payment(ctx, c.PaymentID)
	if run.Err() == nil {
		c.log.looked(err)
	}
	if err != nil || p.Status == c.Status {
		return
	}
	c.ProviderPaymentID, c.Page = p.Provider.PaymentID, p.Links.Pay
	c.log.seen(c.Intent, p.Status, c.acted)
}
