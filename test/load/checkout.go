package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
)

// CheckoutBuyer is what the buyer of a checkout does on Mercado Pago's page.
type CheckoutBuyer string

// The buyers of checkouts.
const (
	PaysAtOnce     CheckoutBuyer = "pays at the first try"
	PaysInTheEnd   CheckoutBuyer = "is rejected, and then pays"
	PaysTwice      CheckoutBuyer = "pays twice"
	GivesUp        CheckoutBuyer = "is rejected, and leaves"
	IsTooLate      CheckoutBuyer = "finds the checkout cancelled"
	LeavesCheckout CheckoutBuyer = "leaves"
)

// checkoutBuyers are drawn from, each as often as it is here.
var checkoutBuyers = []CheckoutBuyer{PaysAtOnce, PaysAtOnce, PaysAtOnce, PaysInTheEnd, PaysInTheEnd, PaysTwice, PaysTwice, IsTooLate, GivesUp, LeavesCheckout}

// Checkout is one sale that a client wants to be paid on Mercado Pago's page, and what the client knows about it.
type Checkout struct {
	Key              string        `json:"key"`
	Amount           int64         `json:"amount"` // centavos
	Buyer            CheckoutBuyer `json:"buyer"`
	RefundDuplicates bool          `json:"refund_duplicates,omitempty"`
	Intended         time.Time     `json:"intended"` // when it was due
	Answers          []Answer      `json:"-"`        // their payment id is the checkout's
	Acknowledged     bool          `json:"-"`        // 201 or 202 was seen
	ID               string        `json:"-"`
	PreferenceID     string        `json:"-"`
	Status           string        `json:"-"` // last read
	Played           bool          `json:"-"` // the buyer has done it all
}

// shopper is the client and the buyer of one checkout.
type shopper struct {
	*generator
	*Checkout
	random *rand.Rand
	think  time.Duration
	next   int  // index of the next shop
	doubts bool // the client asks once more for what it has
}

// checkouts starts checkouts at a constant rate, beside the payments, and draws nothing of theirs.
func (g *generator) checkouts(ctx context.Context) {
	n := int(math.Round(g.Rate * g.Checkout * g.Length.Seconds()))
	g.log.Checkouts = make([]Checkout, n)
	for i := range n {
		due := g.log.Began.Add(time.Duration((float64(i) + 0.5) / (g.Rate * g.Checkout) * float64(time.Second)))
		if !sleepUntil(ctx, due) {
			g.log.Checkouts = g.log.Checkouts[:i]
			return
		}
		s := g.newShopper(i, due)
		g.running.Go(func() {
			if s.ask(ctx); s.Acknowledged {
				s.shop(ctx)
			}
		})
	}
}

const checkoutStream = 1 << 32 // more than there are payments in a run

func (g *generator) newShopper(i int, due time.Time) *shopper {
	s := &shopper{generator: g, Checkout: &g.log.Checkouts[i], next: i, random: rand.New(rand.NewPCG(g.Seed, checkoutStream+uint64(i)))}
	*s.Checkout = Checkout{
		Key: g.Name + "-checkout-" + strconv.Itoa(i+1), Amount: 100 + s.random.Int64N(99_900), Buyer: checkoutBuyers[s.random.IntN(len(checkoutBuyers))],
		RefundDuplicates: s.random.IntN(3) > 0, Intended: due,
	}
	if g.Leave == 0 && (s.Buyer == GivesUp || s.Buyer == LeavesCheckout) {
		s.Buyer = PaysAtOnce
	}
	s.think, s.doubts = time.Duration(s.random.Int64N(int64(thinkMax))), s.random.IntN(4) == 0
	return s
}

func (s *shopper) client() *platform.Shop {
	s.next++
	return s.Shops[(s.next-1)%len(s.Shops)]
}

// ask posts the order, and repeats it under the same key while its outcome is not known.
func (s *shopper) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.RetryFor)
	defer cancel()
	body := platform.CheckoutOrder(s.Amount, s.Key)
	if !s.RefundDuplicates {
		body = platform.KeepingDuplicates(body)
	}
	for wait := repeatMin; ; wait = min(2*wait, repeatMax) {
		began, at := time.Now(), s.client()
		answer, err := at.PostCheckout(ctx, s.Key, body)
		a := Answer{At: began, Took: time.Since(began), API: at.URL, Code: answer.Status}
		switch {
		case err != nil:
			a.Code, a.Error = 0, err.Error()
		case !a.Acknowledged():
			a.Error = problem(answer.Body)
		default:
			a.PaymentID = s.learn(answer.Body)
		}
		s.log.checkoutAnswered(s.Checkout, a)
		again := a.repeatable() || a.Acknowledged() && len(s.Answers) == 1 && s.doubts
		if !again || !sleep(ctx, wait) {
			return
		}
	}
}

// learn takes over what an answer says of the checkout, and returns its id.
func (s *shopper) learn(body []byte) string {
	var c platform.Checkout
	_ = json.Unmarshal(body, &c) // the checker misses an id that is not there
	s.ID, s.PreferenceID, s.Status = c.ID, c.PreferenceID, c.Status
	return c.ID
}

// shop plays the buyer once the page is there, and reads the checkout until it has ended.
func (s *shopper) shop(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, later(time.Now(), s.log.Began.Add(s.Length)).Add(s.Linger))
	defer cancel()
	for wait := readMin; s.PreferenceID == ""; wait = min(wait*3/2, readMax) {
		if !sleep(ctx, wait) {
			return
		}
		s.read(ctx)
	}
	for _, step := range s.steps() {
		if !sleep(ctx, s.think) {
			return
		}
		for wait := repeatMin; step(ctx) != nil; wait = min(2*wait, repeatMax) {
			if !sleep(ctx, wait) {
				return
			}
		}
	}
	s.log.checkoutPlayed(s.Checkout)
	if s.Buyer == GivesUp || s.Buyer == LeavesCheckout {
		return
	}
	for wait := readMin; payment.CheckoutStatus(s.Status).Waits() && sleep(ctx, wait); wait = min(wait*3/2, readMax) {
		s.read(ctx)
	}
}

func (s *shopper) read(run context.Context) {
	ctx, cancel := context.WithTimeout(run, oneRead)
	defer cancel()
	answer, err := s.client().Get(ctx, "/v1/checkouts/"+s.ID)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("answer %d", answer.Status)
	}
	if run.Err() == nil {
		s.log.looked(err)
	}
	if err == nil {
		s.learn(answer.Body)
	}
}

// steps are what the buyer does, each until it is done. Who pays twice begins with a Pix, and pays it when the other payment is there: a page that
// is paid takes no new one.
func (s *shopper) steps() []func(context.Context) error {
	try := func(method, holder string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := s.Provider.Try(ctx, s.PreferenceID, method, holder)
			return err
		}
	}
	pix := ""
	begin := func(ctx context.Context) (err error) {
		pix, err = s.Provider.Try(ctx, s.PreferenceID, "pix", "")
		return err
	}
	pay := func(ctx context.Context) error { return s.Provider.Pay(ctx, pix) }
	switch s.Buyer {
	case PaysAtOnce:
		switch s.Amount % 3 {
		case 0:
			return []func(context.Context) error{begin, pay}
		case 1:
			return []func(context.Context) error{try("account_money", "")}
		}
		return []func(context.Context) error{try("master", goodHolder)}
	case PaysInTheEnd:
		return []func(context.Context) error{try("master", "OTHE"), try("visa", goodHolder)}
	case PaysTwice:
		return []func(context.Context) error{begin, try("visa", goodHolder), pay}
	case GivesUp:
		return []func(context.Context) error{try("master", "FUND")}
	case IsTooLate:
		return []func(context.Context) error{s.cancel}
	}
	return nil
}

// cancel has the client close the page. A conflict says that it has ended.
func (s *shopper) cancel(ctx context.Context) error {
	answer, err := s.client().CancelCheckout(ctx, s.ID)
	if err == nil && answer.Status != http.StatusOK && answer.Status != http.StatusConflict {
		err = fmt.Errorf("answer %d", answer.Status)
	}
	return err
}
