package drills

import (
	"slices"
	"strings"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

// The rules about payments and their money.

func acknowledged(s *sides, say objecting) {
	for _, i := range s.intents {
		if s.row == nil {
			say(s.id, "the client's %s was answered %d at %s; there is no row, %d charges in the provider's ledger",
				i.Key, i.Answers[len(i.Answers)-1].Code, clock(i.Answered), s.charges())
		} else if s.row.Key != i.Key {
			say(s.id, "the client's %s was answered with it; the row belongs to %s", i.Key, s.row.Key)
		}
	}
}

func onePaymentEach(e Evidence, say objecting) {
	for _, i := range e.Intents {
		for _, a := range i.Answers {
			if a.Acknowledged() && a.PaymentID != i.PaymentID {
				say(i.PaymentID, "the client's %s was also answered with payment %q", i.Key, a.PaymentID)
			}
		}
	}
	of := map[string]string{}
	for _, p := range e.Payments {
		if other, ok := of[p.ProviderPaymentID]; ok && p.ProviderPaymentID != "" {
			say(p.ID, "the provider's payment %s is also payment %s's", p.ProviderPaymentID, other)
		}
		of[p.ProviderPaymentID] = p.ID
	}
}

func notRefused(e Evidence, say objecting) {
	for _, i := range e.Intents {
		if i.Refused() {
			a := i.Answers[len(i.Answers)-1]
			say(i.PaymentID, "the client's %s was answered %d %s", i.Key, a.Code, a.Error)
		}
	}
}

func (s *sides) charges() int {
	n := 0
	for _, e := range s.entries {
		if e.Kind == simulator.Charge {
			n++
		}
	}
	return n
}

func chargedOnce(s *sides, say objecting) {
	if s.charges() <= 1 || s.onPage() {
		return
	}
	var keys []string
	for _, e := range s.entries {
		if e.Kind == simulator.Charge {
			keys = append(keys, e.PaymentID+" under key "+e.IdempotencyKey)
		}
	}
	say(s.id, "the provider charged %s", strings.Join(keys, ", and "))
}

func chargeRecorded(s *sides, say objecting) {
	if entry, ok := s.last(); ok && s.row == nil {
		say(s.id, "the provider has its payment %s, %s; there is no row", entry.PaymentID, entry.Status)
	}
}

func sameAmount(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	differs := func(side string, amount int64) {
		if amount != s.row.Amount {
			say(s.id, "%s: %d centavos; the row: %d", side, amount, s.row.Amount)
		}
	}
	for _, i := range s.intents {
		differs("the client asked for", i.Amount)
		for _, a := range i.Answers {
			if a.Acknowledged() {
				differs("the client was answered", a.Amount)
			}
		}
	}
	for _, e := range s.entries {
		if want := s.sumOf(e); e.Amount != want {
			say(s.id, "the provider's ledger: %d centavos; the row: %d", e.Amount, want)
		}
	}
	for _, o := range s.operations {
		if o.Kind == string(payment.Charge) {
			differs("the operation", o.Amount)
		}
	}
	for _, e := range s.history {
		differs("an event", e.Amount)
	}
}

// ourStatus translates the provider's status independently of the adapter, so that a mistake there shows.
func ourStatus(e simulator.Entry) payment.Status {
	switch e.Status + " " + e.StatusDetail {
	case "cancelled expired":
		return payment.Expired
	case "approved partially_refunded":
		return payment.PartiallyRefunded
	case "charged_back reimbursed": // the seller has won; no disputed payment of the load has refunds
		return payment.Approved
	}
	return map[string]payment.Status{
		"pending": payment.Pending, "in_process": payment.InReview, "authorized": payment.Authorized, "approved": payment.Approved,
		"rejected": payment.Rejected, "cancelled": payment.Cancelled, "refunded": payment.Refunded,
		"in_mediation": payment.InDispute, "charged_back": payment.ChargedBack,
	}[e.Status]
}

func sameStatus(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	entry, known := s.last()
	switch {
	case s.onPage() && len(s.takenCards()) == 0 && s.row.ProviderPaymentID == "":
		if s.row.Status != payment.Pending && !s.row.Status.EndedUnpaid() {
			say(s.id, "it waits for a card; the row has %s", s.row.Status)
		}
	case known && entry.StatusDetail == "by_collector" && s.row.Status == payment.Expired:
		// OnlyWave has cancelled it at its expiry.
	case known && s.row.Status != ourStatus(entry):
		say(s.id, "the provider has %s (%s) since %s; the row %s", entry.Status, entry.StatusDetail, clock(entry.Time), s.row.Status)
	case known && s.row.ProviderPaymentID != entry.PaymentID:
		say(s.id, "the provider calls it %s; the row %q", entry.PaymentID, s.row.ProviderPaymentID)
	case !known && s.row.Status == payment.Unknown && s.waitsForOperator():
		// The provider does not have it, and an operator decides.
	case !known && s.row.Status != payment.Failed:
		say(s.id, "the provider does not have it; the row has %s", s.row.Status)
	}
}

func wholeHistory(s *sides, say objecting) {
	if s.row == nil {
		if len(s.history) > 0 {
			say(s.id, "%d events; no row", len(s.history))
		}
		return
	}
	history := s.statuses()
	for n, e := range s.history {
		if e.Seq != n+1 {
			say(s.id, "event %d comes where %d belongs, of %v", e.Seq, n+1, history)
			return
		}
		if n == 0 && e.Status != payment.Processing && !(s.onPage() && e.Status == payment.Pending) {
			say(s.id, "the history begins with %s", e.Status)
		}
		if n > 0 && !e.Stays && !e.Late && !s.entersCard(history[n-1], e.Status) && !s.canMove(history[n-1], e.Status) && !s.refundFailed() {
			say(s.id, "it moved from %s to %s, which the table of moves does not know", history[n-1], e.Status)
		}
	}
	if n := len(history); n == 0 || s.row.Version != n || s.row.Status != history[n-1] {
		say(s.id, "the row is version %d and %s; the history is %v", s.row.Version, s.row.Status, history)
	}
}

// canMove says whether a payment can move so. A restore may have lost the row of a payment that was asked for before: one that is written
// again skips what had happened meanwhile.
func (s *sides) canMove(from, to payment.Status) bool {
	skips := slices.ContainsFunc(s.intents, func(i load.Intent) bool { return i.Started.Before(s.lost.restored) })
	return payment.CanMove(from, to) || skips && slices.Contains(to.Origins(), from)
}

func answersTrue(s *sides, say objecting) {
	for _, i := range s.intents {
		if i.Started.Before(s.lost.restored) {
			continue // it may have read what the database has lost since
		}
		for _, read := range append(statusesOf(i), payment.Status(i.Status)) {
			accepted := read == payment.Processing && s.onPage() // and not stored yet; stored, it waits for its card
			if s.row != nil && !accepted && !slices.Contains(s.statuses(), read) {
				say(s.id, "the client's %s saw %q; the history is %v", i.Key, read, s.statuses())
			}
		}
		if i.Paid() && !slices.ContainsFunc(s.entries, func(e simulator.Entry) bool { return e.Status == "approved" }) {
			say(s.id, "the buyer of %s has paid; the provider's ledger has no approval", i.Key)
		}
	}
}

// oneKey checks all requests to the provider, whatever was answered.
func oneKey(s *sides, say objecting) {
	recorded := map[string]bool{}
	for _, o := range s.operations {
		recorded[o.ProviderKey] = true
	}
	charge := ""
	for _, r := range s.requests {
		lost := r.Path != "/v1/payments" && s.lost.covers(r.Time) // only a charge is written again after a restore
		if !recorded[r.IdempotencyKey] && !lost {
			say(s.id, "request %d to the provider, %s %s, has key %s, which no operation of the payment has", r.Number, r.Method, r.Path, r.IdempotencyKey)
		}
		if r.Method != "POST" || r.Path != "/v1/payments" {
			continue
		}
		if charge != "" && r.IdempotencyKey != charge && !s.onPage() {
			say(s.id, "the charge was sent under the keys %s and %s", charge, r.IdempotencyKey)
		}
		charge = r.IdempotencyKey
	}
}

func operationsRight(s *sides, say objecting) {
	if s.row == nil {
		return
	}
	if s.onPage() {
		return // see enteredRight
	}
	outcomes := []string{}
	for _, o := range s.operations {
		if o.Kind == string(payment.Charge) {
			outcomes = append(outcomes, o.Outcome)
		}
	}
	if len(outcomes) != 1 {
		say(s.id, "there are %d charges in the database", len(outcomes))
		return
	}
	_, known := s.last()
	if known != (outcomes[0] == "done") {
		say(s.id, "the provider has charged: %t; the operation's outcome is %q", known, outcomes[0])
	}
}

func attended(s *sides, say objecting) {
	running := len(s.runs) > 0 && s.runs[len(s.runs)-1].Status == "Running"
	switch {
	case s.row == nil:
		if running {
			say(s.id, "run %s is running; there is no row", s.runs[len(s.runs)-1].RunID)
		}
	case len(s.runs) == 0:
		say(s.id, "the row is %s; it has no workflow", s.row.Status)
	case s.row.Status.Open() && !running && !s.waitsForOperator():
		say(s.id, "the row is %s; its last run %s has %s", s.row.Status, s.runs[len(s.runs)-1].RunID, s.runs[len(s.runs)-1].Status)
	case !s.row.Status.Open() && running:
		say(s.id, "the row is %s; run %s is running", s.row.Status, s.runs[len(s.runs)-1].RunID)
	}
}
