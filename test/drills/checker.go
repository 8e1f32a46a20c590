package drills

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

// Objection is a broken rule: which one, and what each side says.
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

// Check compares what all sides have written down, and returns the rules that they break.
func Check(e Evidence) []Objection {
	objections := unsettled(e)
	return append(objections, judge(e, func(r rule) bool { return !r.settles })...)
}

// unsettled are the broken rules that may still come right by waiting.
func unsettled(e Evidence) []Objection { return judge(e, func(r rule) bool { return r.settles }) }

// rule must hold for each payment, or for the evidence as a whole.
type rule struct {
	name       string
	settles    bool // it may be broken for a while and come right by itself
	ofAPayment func(*sides, objecting)
	ofTheWhole func(Evidence, objecting)
}

// objecting reports a broken rule, about a payment or (with "") about none.
type objecting func(paymentID, format string, args ...any)

var rules = []rule{
	{name: "no acknowledged payment is lost", settles: true, ofAPayment: acknowledged},
	{name: "one request is one payment", ofTheWhole: onePaymentEach},
	{name: "a valid request is not refused", ofTheWhole: notRefused},
	{name: "a payment is charged at most once", ofAPayment: chargedOnce},
	{name: "of the cards that a buyer enters, at most one pays, and each is an operation", settles: true, ofAPayment: enteredRight},
	{name: "every charge is in the database", settles: true, ofAPayment: chargeRecorded},
	{name: "a refund is made at most once, and never more than the payment", ofAPayment: refundedOnce},
	{name: "reserved money is captured at most once", ofAPayment: capturedOnce},
	{name: "what was captured is on all sides", settles: true, ofAPayment: capturedRight},
	{name: "every refund is on all sides", settles: true, ofAPayment: refundsRight},
	{name: "the ledger has what the provider's books, the row and the events have", settles: true, ofAPayment: booksRight},
	{name: "the balances are the sums of the ledger", ofTheWhole: balancesRight},
	{name: "every refund is told, in order", settles: true, ofAPayment: refundsTold},
	{name: "every dispute is on all sides", settles: true, ofAPayment: disputesRight},
	{name: "every dispute is told once, from its opening to its end", settles: true, ofAPayment: disputesTold},
	{name: "a checkout that a client was told of is there once", settles: true, ofTheWhole: checkoutsKept},
	{name: "every try at a checkout is one payment of it", settles: true, ofTheWhole: triesKept},
	{name: "a checkout is paid when a try is", settles: true, ofTheWhole: checkoutsPaid},
	{name: "what has paid a checkout is told once, and a second payment goes back if that is wanted", settles: true, ofTheWhole: checkoutsTold},
	{name: "checkouts that wait have a running workflow, and no others do", settles: true, ofTheWhole: checkoutsAttended},
	{name: "every side has the same amount", ofAPayment: sameAmount},
	{name: "the database has the provider's status", settles: true, ofAPayment: sameStatus},
	{name: "the history is complete and allowed", ofAPayment: wholeHistory},
	{name: "the client's answers are true", ofAPayment: answersTrue},
	{name: "an operation is sent under its own key only", ofAPayment: oneKey},
	{name: "the operations have the right outcome", settles: true, ofAPayment: operationsRight},
	{name: "no confirmed webhook is lost", settles: true, ofTheWhole: webhooksKept},
	{name: "every webhook is processed or dead-lettered", settles: true, ofTheWhole: webhooksProcessed},
	{name: "a forged webhook is refused", ofTheWhole: forgedRefused},
	{name: "no message is left over", settles: true, ofTheWhole: nothingWaits},
	{name: "open payments have a running workflow, and no others do", settles: true, ofAPayment: attended},
	{name: "no workflow fails without a dead letter", settles: true, ofTheWhole: failuresKept},
	{name: "a paid payment is approved in time, or an alarm is raised", ofTheWhole: paidAreApproved},
	{name: "no secret is written down", ofTheWhole: noSecrets},
	{name: "Temporal stores no buyer's data in clear", ofTheWhole: noneStored},
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

// sides is what each side says about one payment.
type sides struct {
	id          string
	intents     []load.Intent // of the client, acknowledged
	row         *Payment
	operations  []Operation
	history     []Event
	ledger      []LedgerEntry
	earned      *simulator.Earning // in the provider's books; nil: it was not paid
	asked       time.Time          // when the provider was asked
	entries     []simulator.Entry
	requests    []simulator.Request // those with an idempotency key, which move money
	runs        []Workflow          // oldest first
	deadLetters []DeadLetter
	disputes    []Dispute
	disputed    []simulator.Disputed // at the provider
	lost        backup
}

// layOut groups the evidence by payment.
func layOut(e Evidence) map[string]*sides {
	all, name := map[string]*sides{}, e.named()
	books := earnings(e.Books, name)
	of := func(id string) *sides {
		if all[id] == nil {
			all[id] = &sides{id: id, lost: e.lost, earned: books[id], asked: e.Asked}
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
	for _, x := range e.Entries {
		of(x.PaymentID).ledger = append(of(x.PaymentID).ledger, x)
	}
	for _, x := range e.Ledger {
		s := of(name(x.ExternalReference, x.PaymentID))
		s.entries = append(s.entries, x)
	}
	for _, r := range e.Requests {
		if r.IdempotencyKey != "" && strings.HasPrefix(r.Path, "/v1/payments") {
			s := of(name(r.Reference, paymentIn(r.Path)))
			s.requests = append(s.requests, r)
		}
	}
	for _, d := range e.Disputes {
		of(d.PaymentID).disputes = append(of(d.PaymentID).disputes, d)
	}
	for _, x := range e.Ledger {
		for _, d := range e.Disputed {
			if x.Kind == simulator.Charge && d.PaymentID == x.PaymentID {
				s := of(name(x.ExternalReference, x.PaymentID))
				s.disputed = append(s.disputed, d)
			}
		}
	}
	for _, w := range e.Workflows {
		if id, ok := paymentOf(w); ok {
			of(id).runs = append(of(id).runs, w)
		}
	}
	for _, d := range e.DeadLetters {
		if d.PaymentID != "" {
			of(d.PaymentID).deadLetters = append(of(d.PaymentID).deadLetters, d)
		}
	}
	for _, s := range all {
		slices.SortFunc(s.history, func(a, b Event) int { return a.Seq - b.Seq })
		slices.SortFunc(s.runs, func(a, b Workflow) int { return a.Started.Compare(b.Started) })
	}
	return all
}

// paymentIn is the provider's payment in the path of a request; "" when there is none.
func paymentIn(path string) string {
	rest, _ := strings.CutPrefix(path, "/v1/payments/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// last is the provider's last ledger entry; ok is false when it has none for the payment. Of several cards that the buyer has entered, one that
// was not rejected counts.
func (s *sides) last() (entry simulator.Entry, ok bool) {
	if taken := s.takenCards(); len(taken) > 0 {
		return taken[0], true
	}
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

// waitsForOperator says whether the payment has an open dead letter: its outcome is unknown, and an operator decides.
func (s *sides) waitsForOperator() bool {
	return slices.ContainsFunc(s.deadLetters, func(d DeadLetter) bool { return d.WorkflowID != "" && d.State == "open" })
}
