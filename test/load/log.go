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
)

// Intent is one payment that a client app wanted, and all that it came to know.
type Intent struct {
	Key               string    `json:"key"`
	Amount            int64     `json:"amount"` // centavos
	Buyer             Buyer     `json:"buyer"`
	Intended          time.Time `json:"intended"` // when it was due
	Started           time.Time `json:"started,omitzero"`
	Answered          time.Time `json:"answered,omitzero"` // acknowledged, refused or given up
	Shed              bool      `json:"shed,omitempty"`    // never sent: too many were in flight
	Answers           []Answer  `json:"-"`
	Acknowledged      bool      `json:"-"` // 201 or 202 was seen
	PaymentID         string    `json:"-"`
	ProviderPaymentID string    `json:"-"`
	Status            string    `json:"-"` // last seen
	Acted             bool      `json:"-"` // the simulator has acknowledged what the buyer did
}

// Paid says whether the simulator has acknowledged that the buyer paid.
func (i Intent) Paid() bool { return i.Acted && i.Buyer == Pays }

// Refused says whether the client was told that its request is wrong.
func (i Intent) Refused() bool {
	return !i.Acknowledged && len(i.Answers) > 0 && !i.Answers[len(i.Answers)-1].repeatable()
}

// Answer is what became of one try.
type Answer struct {
	At        time.Time     `json:"at"`
	Took      time.Duration `json:"took_ns"`
	API       string        `json:"api"`
	Code      int           `json:"code"` // 0: there was none, or it broke off
	PaymentID string        `json:"payment_id,omitempty"`
	Status    string        `json:"status,omitempty"`
	Amount    int64         `json:"amount,omitempty"`
	Error     string        `json:"error,omitempty"` // the problem's code, or what happened to the connection
}

// Acknowledged says whether the answer promises the payment.
func (a Answer) Acknowledged() bool {
	return a.Code == http.StatusCreated || a.Code == http.StatusAccepted
}

// Log is what the client's side knows after a run.
type Log struct {
	Name     string
	Seed     uint64
	Began    time.Time
	Ended    time.Time
	Intents  []Intent
	Webhooks []Webhook // beyond those that the simulator sent of itself
	Counts   Counts
	Latency  *hdrhistogram.Histogram // µs from when a request was due until it was answered or given up
	Approval *hdrhistogram.Histogram // µs from the buyer's paying until the client saw it approved

	mu    sync.Mutex // over all but a customer's own Intent, which belongs to its customer until the end
	known []Intent   // payments that wait for their buyers, for the flood
	file  *os.File
	wrong error // the first that happened to the file
}

// Counts sums a run up.
type Counts struct {
	Asked, Shed                    int
	Acknowledged, Refused, GivenUp int
	InFlight                       int
	Answers                        [6]int // by class, such as 2 for 2xx; 0 counts what was not answered
	Paid, Approved                 int
	Reads, ReadsFailed             int // looks at payments, and those that brought none

	// The flood of webhooks.
	Duplicates, Forged, Replayed int
	ForgedLetIn, ReplayedLetIn   int
	WebhooksUnanswered           int
	WebhooksShed                 int // not sent: there was no time, or no payment, for them
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

// line is one step as the file keeps it.
type line struct {
	At      time.Time `json:"at"`
	Event   string    `json:"event"`
	Key     string    `json:"key,omitempty"`
	Intent  *Intent   `json:"intent,omitempty"`
	Answer  *Answer   `json:"answer,omitempty"`
	Status  string    `json:"status,omitempty"`
	Webhook *Webhook  `json:"webhook,omitempty"`
}

// write appends one step; l.mu must be held.
func (l *Log) write(step line) {
	if l.file == nil {
		return
	}
	step.At = time.Now()
	text, err := json.Marshal(step)
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

// record counts what is longer than the histogram as its longest.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue()))
}
