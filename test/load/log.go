package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Buyer is what the buyer of one payment does.
type Buyer string

// The buyers.
const (
	Pays       Buyer = "pays"
	LetsExpire Buyer = "lets it expire"
	Leaves     Buyer = "leaves"
	Cancels    Buyer = "is cancelled by the client"
	PaysByCard Buyer = "pays by card"
)

// Intent is one payment that a client wants, and what the client knows about it.
type Intent struct {
	Key               string    `json:"key"`
	Amount            int64     `json:"amount"` // centavos
	Buyer             Buyer     `json:"buyer"`
	Holder            string    `json:"holder,omitempty"` // of the test card, whose name says what becomes of the payment
	Boleto            bool      `json:"boleto,omitempty"`
	Discount          int64     `json:"discount,omitempty"` // centavos that a boleto costs less
	Intended          time.Time `json:"intended"`           // when it was due
	Started           time.Time `json:"started,omitzero"`
	Answered          time.Time `json:"answered,omitzero"` // acknowledged, refused or given up
	Shed              bool      `json:"shed,omitempty"`    // never sent: too many were in flight
	Body              string    `json:"-"`                 // of the request
	Answers           []Answer  `json:"-"`
	Acknowledged      bool      `json:"-"` // 201 or 202 was seen
	PaymentID         string    `json:"-"`
	ProviderPaymentID string    `json:"-"`
	Status            string    `json:"-"`                   // last read
	Acted             bool      `json:"-"`                   // the simulator has acknowledged the buyer's action
	Refunds           []Refund  `json:"refunds,omitempty"`   // that the client wants back
	Reserve           bool      `json:"reserve,omitempty"`   // the client only reserves the money
	Capture           int64     `json:"capture,omitempty"`   // centavos of it that the client captures; 0: it is given up
	Challenge         Challenge `json:"challenge,omitempty"` // what the buyer does about the bank's challenge; "": there is none
	Dispute           Dispute   `json:"dispute,omitempty"`   // what the buyer does about the paid payment; "": nothing
	Disputed          bool      `json:"-"`                   // the simulator has acknowledged all of it
	Saved             bool      `json:"saved,omitempty"`     // the card is saved first
	OnPage            bool      `json:"on_page,omitempty"`   // the buyer enters the card on the pay page
	Cards             []string  `json:"cards,omitempty"`     // their holders; none: the buyer leaves the page
	Entered           int       `json:"-"`                   // cards that the page has taken
	Page              string    `json:"-"`                   // its address
	Finished          bool      `json:"-"`                   // the API has acknowledged the capture, or the cancel
	Panel             int64     `json:"panel,omitempty"`     // centavos that the seller refunds in the provider's panel
}

// Paid says whether the simulator has acknowledged that the buyer paid.
func (i Intent) Paid() bool { return i.Acted && i.Buyer == Pays }

// Captured says whether the API has acknowledged that the reserved money is captured.
func (i Intent) Captured() bool { return i.Finished && i.Capture > 0 }

// Refused says whether the request was refused as invalid.
func (i Intent) Refused() bool {
	return !i.Acknowledged && len(i.Answers) > 0 && !i.Answers[len(i.Answers)-1].repeatable()
}

// Answer is the result of one try.
type Answer struct {
	At        time.Time     `json:"at"`
	Took      time.Duration `json:"took_ns"`
	API       string        `json:"api"`
	Code      int           `json:"code"` // 0: no complete response
	PaymentID string        `json:"payment_id,omitempty"`
	Status    string        `json:"status,omitempty"`
	Amount    int64         `json:"amount,omitempty"`
	Error     string        `json:"error,omitempty"` // the problem's code, or the connection's error
}

// Acknowledged says whether the answer promises the payment.
func (a Answer) Acknowledged() bool {
	return a.Code == http.StatusCreated || a.Code == http.StatusAccepted
}

// Log is what the clients know after a run.
type Log struct {
	Name      string
	Seed      uint64
	Began     time.Time
	Ended     time.Time
	Intents   []Intent
	Checkouts []Checkout // on Mercado Pago's page
	Webhooks  []Webhook  // in addition to the simulator's own
	Counts    Counts
	Latency   *hdrhistogram.Histogram // µs from when a request was due until it was answered or given up
	Approval  *hdrhistogram.Histogram // µs from the buyer's payment until the client read the approval

	mu    sync.Mutex // guards all but the Intents and Checkouts, each of which belongs to its customer until the end
	known []Intent   // pending payments, for the flood
	file  *os.File
	wrong error // the file's first error
}

// Counts sums a run up.
type Counts struct {
	Asked, Shed                    int
	Acknowledged, Refused, GivenUp int
	InFlight                       int
	Answers                        [6]int // by class, such as 2 for 2xx; 0 counts tries without a response
	Paid, Approved                 int
	Refunds, RefundsRefused        int // answered for good
	Disputes                       int // played to their end
	Checkouts, CheckoutsPlayed     int // acknowledged, and those whose buyer has done it all
	CardsEntered                   int // on the pay page
	Reads, ReadsFailed             int // of payments

	// The flood of webhooks.
	Duplicates, Forged, Replayed int
	ForgedLetIn, ReplayedLetIn   int
	WebhooksUnanswered           int
	WebhooksShed                 int // not sent, for lack of time or payments
}

// The histograms hold up to ten minutes, to three digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, (10 * time.Minute).Microseconds(), 3)
}

func openLog(o Options, arrivals int) (*Log, error) {
	l := &Log{
		Name: o.Name, Seed: o.Seed, Began: time.Now(), Intents: make([]Intent, arrivals),
		Latency: newHistogram(), Approval: newHistogram(),
	}
	if o.File == "" {
		return l, nil
	}
	var err error
	if l.file, err = os.OpenFile(o.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("open the load's log: %w", err)
	}
	return l, nil
}

func (l *Log) close() error {
	l.Ended = time.Now()
	if l.file == nil {
		return nil
	}
	if err := errors.Join(l.wrong, l.file.Close()); err != nil {
		return fmt.Errorf("write the load's log: %w", err)
	}
	return nil
}

// line is one event in the file.
type line struct {
	At       time.Time `json:"at"`
	Event    string    `json:"event"`
	Key      string    `json:"key,omitempty"`
	Intent   *Intent   `json:"intent,omitempty"`
	Answer   *Answer   `json:"answer,omitempty"`
	Status   string    `json:"status,omitempty"`
	Webhook  *Webhook  `json:"webhook,omitempty"`
	Checkout *Checkout `json:"checkout,omitempty"`
}

// write appends one event; l.mu must be held.
func (l *Log) write(event line) {
	if l.file == nil {
		return
	}
	event.At = time.Now()
	text, err := json.Marshal(event)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	if l.wrong == nil {
		l.wrong = err
	}
}

func (l *Log) asked(i *Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Asked++
	l.Counts.InFlight++
	l.write(line{Event: "asked", Key: i.Key, Intent: i})
}

func (l *Log) shed(i *Intent) {
	i.Shed = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Shed++
	l.write(line{Event: "shed", Key: i.Key, Intent: i})
}

func (l *Log) answered(i *Intent, a Answer) {
	i.Answers = append(i.Answers, a)
	if a.Acknowledged() {
		i.Acknowledged, i.PaymentID, i.Status = true, a.PaymentID, a.Status
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Answers[min(a.Code/100, 5)]++
	l.write(line{Event: "answered", Key: i.Key, Answer: &a})
}

// done ends the request: it is acknowledged, refused or given up.
func (l *Log) done(i *Intent, now time.Time) {
	i.Answered = now
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.InFlight--
	switch {
	case i.Acknowledged:
		l.Counts.Acknowledged++
	case i.Refused():
		l.Counts.Refused++
	default:
		l.Counts.GivenUp++
	}
	record(l.Latency, now.Sub(i.Intended))
}

func (l *Log) acted(i *Intent) {
	i.Acted = true
	l.mu.Lock()
	defer l.mu.Unlock()
	if i.Paid() {
		l.Counts.Paid++
	}
	l.write(line{Event: "buyer " + string(i.Buyer), Key: i.Key})
}

func (l *Log) refunded(i *Intent, r *Refund) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Refunds++
	if !r.Acknowledged {
		l.Counts.RefundsRefused++
	}
	l.write(line{Event: "refund answered", Key: i.Key, Intent: i})
}

func (l *Log) disputed(i *Intent) {
	i.Disputed = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Disputes++
	l.write(line{Event: "buyer disputes: " + string(i.Dispute), Key: i.Key})
}

func (l *Log) checkoutAnswered(c *Checkout, a Answer) {
	c.Answers = append(c.Answers, a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.Acknowledged() && !c.Acknowledged {
		l.Counts.Checkouts++
	}
	c.Acknowledged = c.Acknowledged || a.Acknowledged()
	l.write(line{Event: "checkout answered", Key: c.Key, Answer: &a, Checkout: c})
}

func (l *Log) checkoutPlayed(c *Checkout) {
	c.Played = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.CheckoutsPlayed++
	l.write(line{Event: "buyer " + string(c.Buyer), Key: c.Key})
}

func (l *Log) entered(i *Intent) {
	i.Entered++
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.CardsEntered++
	l.write(line{Event: "buyer enters a card", Key: i.Key})
}

func (l *Log) looked(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Counts.Reads++
	if err != nil {
		l.Counts.ReadsFailed++
	}
}

// seen notes a new status; acted is when the buyer began to act.
func (l *Log) seen(i *Intent, status string, acted time.Time) {
	i.Status = status
	l.mu.Lock()
	defer l.mu.Unlock()
	if status == "approved" {
		l.Counts.Approved++
		record(l.Approval, time.Since(acted))
	}
	l.write(line{Event: "seen", Key: i.Key, Status: status})
}

// record counts a duration beyond the histogram's range as its longest.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue()))
}
