package drills

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

// Objection is something that must not be: which rule it breaks, and what each side says.
type Objection struct {
	Rule      string
	PaymentID string // "" when it is about no payment
	Known     string
}

func (o Objection) String() string {
	if o.PaymentID == "" {
		return fmt.Sprintf("%s: %s", o.Rule, o.Known)
	}
	return fmt.Sprintf("%s: payment %s: %s", o.Rule, o.PaymentID, o.Known)
}

func object(rule, paymentID, format string, args ...any) Objection {
	return Objection{rule, paymentID, fmt.Sprintf(format, args...)}
}

// Check compares what all sides have written down, and says what does not fit together.
func Check(e Evidence) []Objection {
	objections := unsettled(e)
	return append(objections, judge(e, func(r rule) bool { return !r.settles })...)
}

// unsettled is what time may still heal.
func unsettled(e Evidence) []Objection { return judge(e, func(r rule) bool { return r.settles }) }

// rule is one thing that must hold, of each payment or of the whole.
type rule struct {
	name       string
	settles    bool // what breaks it may be on its way to being right
	ofAPayment func(*sides, objecting)
	ofTheWhole func(Evidence, objecting)
}

// objecting says what is wrong with a payment, or with "".
type objecting func(paymentID, format string, args ...any)

var rules = []rule{
	{name: "no acknowledged payment is lost", settles: true, ofAPayment: acknowledged},
	{name: "one request is one payment", ofTheWhole: onePaymentEach},
	{name: "a right request is not refused", ofTheWhole: notRefused},
	{name: "a payment is charged at most once", ofAPayment: chargedOnce},
	{name: "every charge is in the record", settles: true, ofAPayment: chargeRecorded},
	{name: "every side has the same amount", ofAPayment: sameAmount},
	{name: "the record has the provider's status", settles: true, ofAPayment: sameStatus},
	{name: "the history is whole and allowed", ofAPayment: wholeHistory},
	{name: "the client was told what happened", ofAPayment: toldRight},
	{name: "an operation is sent under one key, its own", ofAPayment: oneKey},
	{name: "the operations say what happened", settles: true, ofAPayment: operationsRight},
	{name: "no confirmed webhook is lost", settles: true, ofTheWhole: webhooksKept},
	{name: "every webhook is processed or dead-lettered", settles: true, ofTheWhole: webhooksProcessed},
	{name: "a forged webhook is refused", ofTheWhole: forgedRefused},
	{name: "nothing waits", settles: true, ofTheWhole: nothingWaits},
	{name: "open payments are attended to, and no others", settles: true, ofAPayment: attended},
	{name: "no workflow fails without a dead letter", settles: true, ofTheWhole: failuresKept},
	{name: "who has paid is believed in time, or somebody is told", ofTheWhole: paidAreBelieved},
	{name: "no secret is written down", ofTheWhole: noSecrets},
}

func judge(e Evidence, applies func(rule) bool) []Objection {
	all := layOut(e)
	var objections []Objection
	for _, r := range rules {
		if !applies(r) {
			continue
		}
		say := func(paymentID, format string, args ...any) {
			objections = append(objections, object(r.name, paymentID, format, args...))
		}
		if r.ofTheWhole != nil {
			r.ofTheWhole(e, say)
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			r.ofAPayment(all[id], say)
		}
	}
	return objections
}

// sides is all that anybody says about one payment.
type sides struct {
	id         string
	intents    []load.Intent // of the client, acknowledged
	row        *Payment
	operations []Operation
	history    []Event
	entries    []simulator.Entry
	requests   []simulator.Request // with a key: those that move money
	runs       []Workflow          // oldest first
	letters    []DeadLetter
	lost       backup
}

// layOut sorts the evidence by payment.
func layOut(e Evidence) map[string]*sides {
	all := map[string]*sides{}
	of := func(id string) *sides {
		if all[id] == nil {
			all[id] = &sides{id: id, lost: e.lost}
		}
		return all[id]
	}
	for _, i := range e.Intents {
		if i.Acknowledged {
			of(i.PaymentID).intents = append(of(i.PaymentID).intents, i)
		}
	}
	for _, p := range e.Payments {
		of(p.ID).row = &p
	}
	for _, o := range e.Operations {
		of(o.PaymentID).operations = append(of(o.PaymentID).operations, o)
	}
	for _, v := range e.Events {
		of(v.PaymentID).history = append(of(v.PaymentID).history, v)
	}
	for _, x := range e.Ledger {
		of(x.ExternalReference).entries = append(of(x.ExternalReference).entries, x)
	}
	for _, r := range e.Requests {
		if r.IdempotencyKey != "" {
			of(r.Reference).requests = append(of(r.Reference).requests, r)
		}
	}
	for _, w := range e.Workflows {
		if id, ok := paymentOf(w); ok {
			of(id).runs = append(of(id).runs, w)
		}
	}
	for _, d := range e.DeadLetters {
		if d.PaymentID != "" {
			of(d.PaymentID).letters = append(of(d.PaymentID).letters, d)
		}
	}
	for _, s := range all {
		slices.SortFunc(s.history, func(a, b Event) int { return a.Seq - b.Seq })
		slices.SortFunc(s.runs, func(a, b Workflow) int { return a.Started.Compare(b.Started) })
	}
	return all
}

// last is the provider's last word; ok is false when it knows of no such payment.
func (s *sides) last() (entry simulator.Entry, ok bool) {
	if len(s.entries) == 0 {
		return simulator.Entry{}, false
	}
	return s.entries[len(s.entries)-1], true
}

func (s *sides) statuses() []payment.Status {
	var all []payment.Status
	for _, e := range s.history {
		all = append(all, e.Status)
	}
	return all
}

// givenToAPerson says whether a person has been told that nobody knows what became of the payment.
func (s *sides) givenToAPerson() bool {
	return slices.ContainsFunc(s.letters, func(d DeadLetter) bool { return d.WorkflowID != "" && d.State == "open" })
}
