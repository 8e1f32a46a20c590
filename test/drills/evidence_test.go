package drills

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// id is the payment of the client's n-th key.
func id(n int) string { return payment.NewID("demo", key(n)) }

func key(n int) string         { return fmt.Sprint("order-", n) }
func providerKey(n int) string { return payment.ProviderKey(id(n), payment.Charge, 1) }

// clean is the evidence of a run without faults: payment 1 was paid, 2 expired, 3 waits for its buyer, 4 was
// refused by the provider, 5 was answered only at the second try.
func clean() Evidence {
	e := Evidence{
		Queues: []Queue{{Name: "work"}, {Name: "dead", Messages: 2, Kept: true}},
		Pages: []Page{{Where: "api.log", Text: `{"time":"2026-03-02T12:00:00.123456789Z","msg":"request","payment_id":"` + id(1) + `","took":0.4235647728025682}` +
			"\n" + `node onlywave@localhost, amqp://guest:guest@127.0.0.1:5672, trace 4235647728025682af91c04d77e1b2a0, seed [4235647728025682|41915694162658197]` + "\n"}},
		Secrets: map[string]string{"buyer's name": "Ana Souza"},
		Flood: []load.Webhook{
			{Kind: load.Forged, PaymentID: id(1), RequestID: "forged-1", Code: 401},
			{Kind: load.Replayed, PaymentID: id(1), RequestID: "request-1-approved", Code: 200},
			{Kind: load.Duplicate, PaymentID: id(1), Count: 10, Code: 200},
		},
	}
	e.add(1, payment.Processing, payment.Pending, payment.Approved)
	e.add(2, payment.Processing, payment.Pending, payment.Expired)
	e.add(3, payment.Processing, payment.Pending)
	e.add(4, payment.Processing, payment.Failed)
	e.add(5, payment.Processing, payment.Pending, payment.Approved)
	e.Intents[4].Answers = []load.Answer{{Code: 0}, {Code: 503}, {Code: 202, PaymentID: id(5), Status: "processing", Amount: 1005}, e.Intents[4].Answers[0]}
	e.Intents = append(e.Intents, load.Intent{Key: "given-up", Answers: []load.Answer{{Code: 503}}}, load.Intent{Key: "shed", Shed: true})
	return e
}

// add adds what each side says about a payment with this history.
func (e *Evidence) add(n int, history ...payment.Status) {
	amount, last := int64(1000+n), history[len(history)-1]
	providerID := fmt.Sprint(100_000_000_000 + n)
	if last == payment.Failed {
		providerID = ""
	}
	e.Intents = append(e.Intents, load.Intent{
		Key: key(n), Amount: amount, Buyer: load.Pays, Acknowledged: true, PaymentID: id(n), Status: string(last), Acted: last == payment.Approved,
		Answers: []load.Answer{{Code: 201, PaymentID: id(n), Status: string(history[1]), Amount: amount}},
	})
	e.Payments = append(e.Payments, Payment{ID: id(n), Key: key(n), Status: last, Amount: amount, ProviderPaymentID: providerID, Version: len(history)})
	for i, status := range history {
		e.Events = append(e.Events, Event{PaymentID: id(n), Seq: i + 1, Status: status, Amount: amount, At: noon.Add(time.Second)})
	}
	e.Requests = append(e.Requests, simulator.Request{Number: n, Method: "POST", Path: "/v1/payments", IdempotencyKey: providerKey(n), Reference: id(n)})
	run := Workflow{ID: "payment/" + id(n), RunID: "run", Status: "Completed", Started: noon}
	if last.Open() {
		run.Status = "Running"
	}
	e.Workflows = append(e.Workflows, run)
	outcome := "done"
	if last == payment.Failed {
		outcome = "refused"
	}
	e.Operations = append(e.Operations, Operation{ProviderKey: providerKey(n), PaymentID: id(n), Kind: "charge", Amount: amount, Outcome: outcome})
	for _, status := range history[1:] {
		e.provider(n, providerID, amount, status)
	}
	if last == payment.Approved {
		e.earn(n, providerID, amount)
	}
}

// enter makes of a payment one whose buyer has entered two cards, of which the first was rejected.
func (e *Evidence) enter(n int) {
	i := n - 1
	e.Payments[i].OnPage = true
	e.Intents[i].OnPage, e.Intents[i].Cards = true, []string{"FUND", "APRO"}
	for l, entry := range e.Ledger {
		if entry.ExternalReference == id(n) {
			e.Ledger[l].IdempotencyKey = providerKey(n)
		}
	}
	e.Ledger = append(e.Ledger, simulator.Entry{
		Kind: simulator.Charge, PaymentID: "first card", ExternalReference: id(n), IdempotencyKey: "first", Amount: e.Payments[i].Amount, Status: "rejected",
	})
	e.Operations = append(e.Operations, Operation{ProviderKey: "first", PaymentID: id(n), Kind: "charge", Amount: e.Payments[i].Amount, Outcome: "refused"})
	e.Requests = append(e.Requests, simulator.Request{Method: "POST", Path: "/v1/payments", IdempotencyKey: "first", Reference: id(n)})
}

const checkoutID = "5f3c1b1e-0000-5000-8000-000000000001"

// try is our payment that is try n at the checkout.
func try(n int) string {
	return payment.Attempt{CheckoutID: checkoutID, ProviderPaymentID: fmt.Sprint(100_000_000_000 + n)}.ID()
}

// sell adds a checkout with three tries: 6 is rejected, 7 pays it, and 8 pays it again, which the client keeps.
func (e *Evidence) sell() {
	e.Checkouts = []Checkout{{ID: checkoutID, Key: "sale", Status: payment.CheckoutPaid, Amount: 1006, PaidBy: try(7)}}
	e.Sales = []load.Checkout{{Key: "sale", Amount: 1006, ID: checkoutID, Acknowledged: true, Answers: []load.Answer{{Code: 503}, {Code: 201, PaymentID: checkoutID}}}}
	e.Workflows = append(e.Workflows, Workflow{ID: "checkout/" + checkoutID, RunID: "run", Status: "Completed", Started: noon})
	intents := e.Intents
	e.add(6, payment.Processing, payment.Rejected)
	e.add(7, payment.Processing, payment.Approved)
	e.add(8, payment.Processing, payment.Approved)
	e.Intents = intents
	tries := map[string]string{id(6): try(6), id(7): try(7), id(8): try(8)}
	e.Requests = without(e.Requests, func(r simulator.Request) bool { return tries[r.Reference] != "" })
	for n, x := range e.Ledger {
		if tries[x.ExternalReference] != "" {
			e.Ledger[n].ExternalReference, e.Ledger[n].Kind = checkoutID, simulator.Charge
		}
	}
	for n, x := range e.Books.Payments {
		if tries[x.ExternalReference] != "" {
			e.Books.Payments[n].ExternalReference = checkoutID
		}
	}
	ours := func(at *string) bool {
		if tries[*at] == "" {
			return false
		}
		*at = tries[*at]
		return true
	}
	for n := range e.Payments {
		if p := &e.Payments[n]; ours(&p.ID) {
			p.CheckoutID, p.Key = checkoutID, "checkout "+checkoutID+" "+p.ProviderPaymentID
		}
	}
	for n := range e.Operations {
		ours(&e.Operations[n].PaymentID)
	}
	for n := range e.Entries {
		ours(&e.Entries[n].PaymentID)
	}
	for n := range e.Events {
		ours(&e.Events[n].PaymentID)
	}
	for n := range e.Workflows {
		if of, ok := paymentOf(e.Workflows[n]); ok && ours(&of) {
			e.Workflows[n].ID = "payment/" + of
		}
	}
	e.tellCheckout(try(7), payment.CheckoutWasPaid)
	e.tellCheckout(try(8), payment.CheckoutWasPaidTwice)
}

// tellCheckout adds an event about the checkout to a payment's.
func (e *Evidence) tellCheckout(id string, change payment.CheckoutChange) {
	for n := range e.Payments {
		if p := &e.Payments[n]; p.ID == id {
			p.Version++
			e.Events = append(e.Events, Event{PaymentID: id, Seq: p.Version, Status: p.Status, Amount: p.Amount, At: noon.Add(3 * time.Second), Stays: true, Checkout: change})
		}
	}
}

// refund adds a refund in the provider's ledger alone.
func (e *Evidence) refund(n int, r simulator.Refunded) {
	for _, entry := range e.Ledger {
		if entry.ExternalReference == id(n) && entry.Status == "approved" {
			entry.Kind, entry.Refund = simulator.Refund, &r
			e.Ledger = append(e.Ledger, entry)
			return
		}
	}
}

// disputed adds a dispute at the provider alone.
func (e *Evidence) disputed(n int, d simulator.Disputed) {
	for i, entry := range e.Ledger {
		if entry.ExternalReference == id(n) {
			e.Ledger[i].Kind, d.PaymentID = simulator.Charge, entry.PaymentID
			e.Disputed = append(e.Disputed, d)
			return
		}
	}
}

// earn adds that the money of a paid payment is available, with a fee of 10 centavos.
func (e *Evidence) earn(n int, providerID string, amount int64) {
	net := amount - 10
	e.Books.Payments = append(e.Books.Payments, simulator.Earning{
		PaymentID: providerID, ExternalReference: id(n), Earned: simulator.Earned{Gross: amount, Fees: 10, Net: net}, ReleasedAt: noon,
	})
	e.Asked = noon.Add(time.Minute)
	for _, entry := range []LedgerEntry{
		{Posting: 1, Cause: "charge", Account: "payable", Amount: -amount}, {Posting: 1, Cause: "charge", Account: "fees", Amount: 10},
		{Posting: 1, Cause: "charge", Account: "pending", Amount: net},
		{Posting: 2, Cause: "settlement", Account: "pending", Amount: -net}, {Posting: 2, Cause: "settlement", Account: "available", Amount: net},
	} {
		entry.PaymentID = id(n)
		e.Entries = append(e.Entries, entry)
	}
	e.Available += net
	p := &e.Payments[len(e.Payments)-1]
	p.Version++
	e.Events = append(e.Events, Event{PaymentID: id(n), Seq: p.Version, Status: p.Status, Amount: amount, At: noon.Add(2 * time.Second), Stays: true, Settled: &net})
}

// provider adds what the simulator says about a move.
func (e *Evidence) provider(n int, providerID string, amount int64, status payment.Status) {
	entry := simulator.Entry{
		Kind: simulator.Move, PaymentID: providerID, ExternalReference: id(n), IdempotencyKey: providerKey(n), Amount: amount, Status: string(status), Time: noon,
	}
	switch status {
	case payment.Failed:
		return
	case payment.Pending:
		entry.Kind = simulator.Charge
	case payment.Expired:
		entry.Status, entry.StatusDetail = "cancelled", "expired"
	}
	e.Ledger = append(e.Ledger, entry)
	request := fmt.Sprintf("request-%d-%s", n, status)
	e.Webhooks = append(e.Webhooks, simulator.WebhookAttempt{PaymentID: providerID, RequestID: request, Status: 200, Delivered: true, Time: noon})
	kept := Notification{ID: uuid.NewString(), RequestID: request, Topic: "payment", Action: "payment.created"}
	if entry.Kind == simulator.Move {
		kept.Action = "payment.updated"
		e.Processed = append(e.Processed, kept.ID)
	}
	e.Archived = append(e.Archived, kept)
}
