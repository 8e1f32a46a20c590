package drills

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/simulator"
)

func TestACleanRunHasNoObjections(t *testing.T) {
	require.Empty(t, Check(clean()))
	require.Empty(t, Check(Evidence{}))
}

// without is the list without what matches.
func without[T any](list []T, matches func(T) bool) []T {
	var kept []T
	for _, x := range list {
		if !matches(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

func page(text string) func(*Evidence) {
	return func(e *Evidence) { e.Pages = append(e.Pages, Page{Where: "worker.log", Text: "fine\n" + text + "\n"}) }
}

const enteredRule = "of the cards that a buyer enters, at most one pays, and each is an operation"

const ledgerRule = "the ledger has what the provider's books, the row and the events have"

// Each row falsifies the evidence of a clean run in one way. The checker must object under that rule with that text.
var spoilt = []struct {
	name, rule string
	payment    int // 0: none
	says       string
	spoil      func(*Evidence)
}{
	{"a lost payment", "no acknowledged payment is lost", 3, "there is no row", func(e *Evidence) {
		e.Payments = without(e.Payments, func(p Payment) bool { return p.ID == id(3) })
	}},
	{"a payment answered for another's key", "no acknowledged payment is lost", 1, "belongs to order-77", func(e *Evidence) { e.Payments[0].Key = "order-77" }},
	{"too much money given back", "a refund is made at most once, and never more than the payment", 1, "gave back 1002 centavos of 1001", func(e *Evidence) {
		e.refund(1, simulator.Refunded{ID: "71", Amount: 1002, Status: "approved"})
	}},
	{"a capture that has not ended", "what was captured is on all sides", 1, "its capture of 700 centavos has not ended", func(e *Evidence) {
		e.Operations = append(e.Operations, Operation{ProviderKey: "c-1", PaymentID: id(1), Kind: "capture", Amount: 700, Outcome: "asked"})
	}},
	{"a capture of another sum", "what was captured is on all sides", 1, "its capture of 700 centavos is done; the row has 0 captured", func(e *Evidence) {
		e.Operations = append(e.Operations, Operation{ProviderKey: "c-1", PaymentID: id(1), Kind: "capture", Amount: 700, Outcome: "done"})
	}},
	{"a capture that is lost", "what was captured is on all sides", 1, "the client has captured 700 centavos; the row has 0", func(e *Evidence) {
		e.Intents[0].Reserve, e.Intents[0].Capture, e.Intents[0].Finished = true, 700, true
	}},
	{"a capture that is not told", "what was captured is on all sides", 1, "the last event has 0 centavos captured; the row 700", func(e *Evidence) { e.Payments[0].Captured = 700 }},
	{"another sum captured at the provider", "every side has the same amount", 1, "the provider's ledger: 1001 centavos; the row: 700", func(e *Evidence) { e.Payments[0].Captured = 700 }},
	{"money captured twice", "reserved money is captured at most once", 1, "the provider captured 2 times", func(e *Evidence) {
		for range 2 {
			for _, status := range []string{"authorized", "approved"} {
				e.Ledger = append(e.Ledger, simulator.Entry{Kind: simulator.Move, ExternalReference: id(1), Amount: 1001, Status: status})
			}
		}
	}},
	{"a refund without a row", "every refund is on all sides", 1, "the provider has refund 71; there is no row", func(e *Evidence) {
		e.refund(1, simulator.Refunded{ID: "71", Amount: 300, Status: "approved"})
	}},
	{"a refund that was never told", "every refund is told, in order", 1, "refund r-1 of the client is succeeded; its events are []", func(e *Evidence) {
		e.Operations = append(e.Operations, Operation{ProviderKey: "r-1", PaymentID: id(1), Kind: "refund", Amount: 300, Outcome: "done", ProviderID: "71", Origin: "client"})
	}},
	{"a dispute without a row", "every dispute is on all sides", 1, "the provider has dispute 233, evidence_wanted; there is no row", func(e *Evidence) {
		e.disputed(1, simulator.Disputed{ID: "233", Documents: "pending"})
	}},
	{"a dispute that is won at the provider", "every dispute is on all sides", 1, "dispute 233 is won; the row: in_review", func(e *Evidence) {
		won := true
		e.disputed(1, simulator.Disputed{ID: "233", Documents: "valid", Coverage: &won})
		e.Disputes = []Dispute{{ID: "d-1", PaymentID: id(1), ProviderID: "233", Status: payment.DisputeInReview}}
	}},
	{"a dispute that nobody has", "every dispute is on all sides", 1, "the provider has no such dispute", func(e *Evidence) {
		e.Disputes = []Dispute{{ID: "d-1", PaymentID: id(1), ProviderID: "233", Status: payment.DisputeOpen}}
	}},
	{"a dispute that was told twice", "every dispute is told once, from its opening to its end", 1, "its events are [opened opened]", func(e *Evidence) {
		e.disputed(1, simulator.Disputed{ID: "233", Documents: "pending"})
		e.Disputes = []Dispute{{ID: "d-1", PaymentID: id(1), ProviderID: "233", Status: payment.DisputeEvidenceWanted}}
		for range 2 {
			e.Events = append(e.Events, Event{PaymentID: id(1), Status: payment.Approved, Stays: true, DisputeID: "d-1", Dispute: payment.DisputeOpened})
		}
	}},
	{"money that is withheld at the provider", ledgerRule, 1, "the ledger's withheld money: 0 centavos; the provider's books: 991", func(e *Evidence) { e.Books.Payments[0].Held = 991 }},
	{"a posting that does not sum to zero", ledgerRule, 1, "posting 1 of the ledger sums to 1", func(e *Evidence) { e.Entries[1].Amount++ }},
	{"another fee", ledgerRule, 1, "the ledger's fees: 11 centavos; the provider's books: 10", func(e *Evidence) { e.Entries[1].Amount++; e.Entries[2].Amount-- }},
	{"a payment that is not posted", ledgerRule, 5, "the ledger's gross: 0 centavos; the provider's books: 1005", func(e *Evidence) {
		e.Entries = without(e.Entries, func(x LedgerEntry) bool { return x.PaymentID == id(5) })
	}},
	{"a posting of a payment that was not paid", ledgerRule, 3, "the ledger's gross: 1003 centavos; the provider's books: 0", func(e *Evidence) {
		e.Entries = append(e.Entries, LedgerEntry{id(3), 1, "payable", "charge", -1003}, LedgerEntry{id(3), 1, "disputes", "charge", 1003})
	}},
	{"a refund that is not posted", ledgerRule, 1, "the ledger's refunds: 0 centavos; the provider's books: 300", func(e *Evidence) { e.Books.Payments[0].Refunds = 300 }},
	{"money that is not settled", ledgerRule, 1, "no event says that it is settled", func(e *Evidence) {
		e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(1) && v.Settled != nil })
	}},
	{"money that is settled twice", ledgerRule, 1, "2 events say", func(e *Evidence) {
		for _, v := range e.Events {
			if v.PaymentID == id(1) && v.Settled != nil {
				v.Seq++
				e.Events = append(e.Events, v)
				break
			}
		}
	}},
	{"money of a settlement that is not told", ledgerRule, 1, "the event says that 7 centavos are settled; the ledger: 991", func(e *Evidence) {
		for i, v := range e.Events {
			if seven := int64(7); v.PaymentID == id(1) && v.Settled != nil {
				e.Events[i].Settled = &seven
			}
		}
	}},
	{"a balance of its own", "the balances are the sums of the ledger", 0, "the balances are 1 pending", func(e *Evidence) { e.Pending++ }},
	{"two payments for one key", "one request is one payment", 5, "also answered with", func(e *Evidence) { e.Intents[4].Answers[2].PaymentID = id(9) }},
	{"one charge for two payments", "one request is one payment", 2, "is also payment", func(e *Evidence) {
		e.Payments[1].ProviderPaymentID = e.Payments[0].ProviderPaymentID
	}},
	{"a valid request refused", "a valid request is not refused", 0, "422 invalid_request", func(e *Evidence) {
		e.Intents[5].Answers = []load.Answer{{Code: 422, Error: "invalid_request"}}
	}},
	{"a double charge", "a payment is charged at most once", 1, "the provider charged", func(e *Evidence) {
		again := e.Ledger[0]
		again.PaymentID = "777"
		e.Ledger = append([]simulator.Entry{again}, e.Ledger...)
	}},
	{"two cards that pay", enteredRule, 1, "has taken", func(e *Evidence) {
		e.enter(1)
		e.Ledger[len(e.Ledger)-1].Status = "approved"
	}},
	{"a card without an operation", enteredRule, 1, "there is no operation", func(e *Evidence) {
		e.enter(1)
		e.Operations = e.Operations[:len(e.Operations)-1]
	}},
	{"a card that is charged, and refused in the database", enteredRule, 1, `"refused"; the provider has "approved"`, func(e *Evidence) {
		e.enter(1)
		e.Operations[0].Outcome = "refused"
	}},
	{"more cards than were entered", enteredRule, 1, "has entered 1 cards at most", func(e *Evidence) {
		e.enter(1)
		e.Intents[0].Cards = e.Intents[0].Cards[:1]
	}},
	{"a payment that waits for a card, and is approved", "the database has the provider's status", 4, "it waits for a card; the row has failed", func(e *Evidence) { e.Payments[3].OnPage = true }},
	{"a charge that is not in the database", "every charge is in the database", 9, "there is no row", func(e *Evidence) {
		e.Ledger = append(e.Ledger, simulator.Entry{Kind: simulator.Charge, PaymentID: "777", ExternalReference: id(9), Status: "pending"})
	}},
	{"a centavo off in the row", "every side has the same amount", 1, "the provider's ledger: 1001 centavos; the row: 1002", func(e *Evidence) { e.Payments[0].Amount++ }},
	{"a centavo off at the provider", "every side has the same amount", 1, "ledger: 1000 centavos", func(e *Evidence) { e.Ledger[1].Amount-- }},
	{"a centavo off in an event", "every side has the same amount", 1, "an event: 1002", func(e *Evidence) { e.Events[2].Amount++ }},
	{"a centavo off in the operation", "every side has the same amount", 1, "the operation: 1002", func(e *Evidence) { e.Operations[0].Amount++ }},
	{"a centavo off in the answer", "every side has the same amount", 1, "answered: 1002", func(e *Evidence) { e.Intents[0].Answers[0].Amount++ }},
	{"approved at the provider, pending in the database", "the database has the provider's status", 3, "approved", func(e *Evidence) {
		e.Ledger = append(e.Ledger, simulator.Entry{Kind: simulator.Move, ExternalReference: id(3), PaymentID: e.Payments[2].ProviderPaymentID, Amount: 1003, Status: "approved"})
	}},
	{"approved in the database, pending at the provider", "the database has the provider's status", 1, "pending", func(e *Evidence) {
		e.Ledger = without(e.Ledger, func(x simulator.Entry) bool { return x.ExternalReference == id(1) && x.Status == "approved" })
	}},
	{"failed in the database, charged at the provider", "the database has the provider's status", 4, "failed", func(e *Evidence) {
		e.Ledger = append(e.Ledger, simulator.Entry{Kind: simulator.Charge, ExternalReference: id(4), Amount: 1004, Status: "pending"})
	}},
	{"another payment of the provider", "the database has the provider's status", 1, "calls it 100000000001", func(e *Evidence) { e.Payments[0].ProviderPaymentID = "777" }},
	{"a payment the provider never saw", "the database has the provider's status", 3, "does not have it", func(e *Evidence) {
		e.Ledger = without(e.Ledger, func(x simulator.Entry) bool { return x.ExternalReference == id(3) })
	}},
	{"a gap in the events", "the history is complete and allowed", 1, "event 3 comes where 2 belongs", func(e *Evidence) {
		e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(1) && v.Seq == 2 })
	}},
	{"the last event lost", "the history is complete and allowed", 1, "version 4", func(e *Evidence) {
		e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(1) && v.Seq == 4 })
	}},
	{"the first event lost", "the history is complete and allowed", 1, "event 2 comes where 1 belongs", func(e *Evidence) {
		e.Events = without(e.Events, func(v Event) bool { return v.PaymentID == id(1) && v.Seq == 1 })
	}},
	{"events without a row", "the history is complete and allowed", 9, "no row", func(e *Evidence) { e.Events = append(e.Events, Event{PaymentID: id(9), Seq: 1}) }},
	{"a forbidden move", "the history is complete and allowed", 1, "from expired to approved", func(e *Evidence) { e.Events[1].Status = payment.Expired }},
	{"the row contradicts its history", "the history is complete and allowed", 1, "approved", func(e *Evidence) { e.Payments[0].Status = payment.Refunded }},
	{"a client answered with a status that never was", "the client's answers are true", 2, `saw "approved"`, func(e *Evidence) { e.Intents[1].Status = "approved" }},
	{"a payment the provider forgot", "the client's answers are true", 1, "has paid", func(e *Evidence) {
		e.Ledger = without(e.Ledger, func(x simulator.Entry) bool { return x.ExternalReference == id(1) && x.Status == "approved" })
	}},
	{"two keys for one charge", "an operation is sent under its own key only", 1, "under the keys", func(e *Evidence) {
		other := e.Requests[0]
		other.IdempotencyKey = uuid.NewString()
		e.Requests = append(e.Requests, other)
	}},
	{"a key that was never recorded", "an operation is sent under its own key only", 3, "no operation of the payment has", func(e *Evidence) { e.Requests[2].IdempotencyKey = providerKey(1) }},
	{"an operation without its outcome", "the operations have the right outcome", 1, `"asked"`, func(e *Evidence) { e.Operations[0].Outcome = "asked" }},
	{"an operation refused and charged", "the operations have the right outcome", 1, `"refused"`, func(e *Evidence) { e.Operations[0].Outcome = "refused" }},
	{"an operation never recorded", "the operations have the right outcome", 1, "0 charges", func(e *Evidence) { e.Operations = e.Operations[1:] }},
	{"a webhook that was 200, and is nowhere", "no confirmed webhook is lost", 0, "0 of it", func(e *Evidence) {
		e.Archived = without(e.Archived, func(n Notification) bool { return n.RequestID == "request-2-expired" })
	}},
	{"a replayed webhook that was 200, and is nowhere", "no confirmed webhook is lost", 0, "replayed at", func(e *Evidence) {
		e.Archived = without(e.Archived, func(n Notification) bool { return n.RequestID == "request-1-approved" })
	}},
	{"a webhook archived and not processed", "every webhook is processed or dead-lettered", 0, "request-1-approved", func(e *Evidence) { e.Processed = e.Processed[1:] }},
	{"a forged webhook let in", "a forged webhook is refused", 1, "forged-1", func(e *Evidence) {
		e.Flood[0].Code = 200
		e.Archived = append(e.Archived, Notification{ID: "forged", RequestID: "forged-1"})
	}},
	{"a message left", "no message is left over", 0, "3 messages in work", func(e *Evidence) { e.Queues[0].Messages = 3 }},
	{"a dead letter that was not archived", "no message is left over", 0, "2 messages in dead", func(e *Evidence) { e.Queues[1].Kept = false }},
	{"an event that was not published", "no message is left over", 0, "2 messages in the outbox", func(e *Evidence) { e.Unpublished = 2 }},
	{"a webhook left in the spool", "no message is left over", 0, "1 webhooks in the spool", func(e *Evidence) { e.Spooled = []Notification{{ID: "n"}} }},
	{"a settled payment's workflow that goes on", "open payments have a running workflow, and no others do", 1, "is running", func(e *Evidence) { e.Workflows[0].Status = "Running" }},
	{"an open payment without a running workflow", "open payments have a running workflow, and no others do", 3, "Completed", func(e *Evidence) { e.Workflows[2].Status = "Completed" }},
	{"an open payment without a workflow", "open payments have a running workflow, and no others do", 3, "no workflow", func(e *Evidence) {
		e.Workflows = without(e.Workflows, func(w Workflow) bool { return w.ID == "payment/"+id(3) })
	}},
	{"a workflow without a payment", "open payments have a running workflow, and no others do", 9, "there is no row", func(e *Evidence) {
		e.Workflows = append(e.Workflows, Workflow{ID: "payment/" + id(9), Status: "Running"})
	}},
	{"a failed run without a dead letter", "no workflow fails without a dead letter", 1, "Failed", func(e *Evidence) {
		e.Workflows = append(e.Workflows, Workflow{ID: "payment/" + id(1), RunID: "before", Status: "Failed", Started: noon.Add(-time.Hour)})
	}},
	{"a late approval without an alarm", approvedOrAlarmed, 1, "approved 1m1s later", func(e *Evidence) { e.approvedAt(1, noon.Add(61*time.Second)) }},
	{"a missing approval without an alarm", approvedOrAlarmed, 3, "never approved", func(e *Evidence) {
		e.Ledger = append(e.Ledger, simulator.Entry{Kind: simulator.Move, ExternalReference: id(3), Amount: 1003, Status: "approved", Time: noon})
	}},
	{"an alarm that was over before the buyer paid", approvedOrAlarmed, 1, "no alarm within", func(e *Evidence) {
		e.approvedAt(1, noon.Add(61*time.Second))
		e.Alarms = []Alarm{{At: noon.Add(-time.Second), What: "worker: postgres is down"}}
	}},
	{"an alarm after the limit", approvedOrAlarmed, 1, "no alarm within", func(e *Evidence) {
		e.approvedAt(1, noon.Add(61*time.Second))
		e.Alarms = []Alarm{{At: noon.Add(61 * time.Second), What: "worker: postgres is down"}}
	}},
	{"a leaked card number", "no secret is written down", 0, "worker.log, line 2: a card number (1 lines)", page(`{"card":"4235647728025682"}`)},
	{"a card number in groups", "no secret is written down", 0, "a card number", page("paid with 4235 6477 2802 5682")},
	{"an e-mail address", "no secret is written down", 0, "an e-mail address", page("mail to maria.silva@loja.com.br")},
	{"a tax id", "no secret is written down", 0, "a tax id", page("cpf 123.456.789-09")},
	{"a known secret", "no secret is written down", 0, "buyer's name", page(`{"name":"Ana Souza"}`)},
	{"a payload in clear", "Temporal stores no buyer's data in clear", 0, "Temporal's database: buyer's name", func(e *Evidence) {
		e.Private, e.Stored = e.Secrets, []Page{{Where: "Temporal's database", Text: "\x00\x0a{\"name\":\"Ana Souza\"}\xff"}}
	}},
	{"a bearer token", "no secret is written down", 0, "a bearer token", page("Authorization: Bearer TEST-0123456789")},
}

const approvedOrAlarmed = "a paid payment is approved in time, or an alarm is raised"

// approvedAt moves a payment's approval in the database to a time.
func (e *Evidence) approvedAt(n int, at time.Time) {
	for i, v := range e.Events {
		if v.PaymentID == id(n) && v.Status == payment.Approved {
			e.Events[i].At = at
		}
	}
}

// The row of a payment from before a restore of the database may be written again, without what had happened meanwhile. No other skips a
// status, and none moves back.
func TestWhoSkipsAStatusAfterARestore(t *testing.T) {
	e := clean()
	e.add(6, payment.Processing, payment.Pending, payment.Refunded)
	e.add(7, payment.Processing, payment.Expired, payment.Pending)
	for n := range e.Intents {
		e.Intents[n].Started = noon
	}
	moved := func() (moves []string) {
		for _, o := range Check(e) {
			if _, move, ok := strings.Cut(o.Known, "it moved "); ok {
				moves = append(moves, move)
			}
		}
		return moves
	}
	const unknown = ", which the table of moves does not know"
	const skips, goesBack = "from pending to refunded" + unknown, "from expired to pending" + unknown
	require.ElementsMatch(t, []string{skips, goesBack}, moved(), "no restore")
	e.lost.restored = noon.Add(-time.Second)
	require.ElementsMatch(t, []string{skips, goesBack}, moved(), "they were asked for after the restore")
	e.lost.restored = noon.Add(time.Second)
	require.Equal(t, []string{goesBack}, moved())
}

// A late approval is excused by an alarm in time, or by the payment's own dead letter.
func TestWhoIsToldOfALateApproval(t *testing.T) {
	e := clean()
	e.approvedAt(1, noon.Add(61*time.Second))
	require.NotEmpty(t, Check(e))
	e.Alarms = []Alarm{{At: noon.Add(30 * time.Second), What: "worker: postgres is down"}}
	require.Empty(t, Check(e))
	e.Alarms = nil
	e.DeadLetters = []DeadLetter{{Cause: "internal", PaymentID: id(1), WorkflowID: "payment/" + id(1), State: "open", DiedAt: noon.Add(30 * time.Second)}}
	require.Empty(t, Check(e))
	e.DeadLetters[0].DiedAt = noon.Add(61 * time.Second)
	require.NotEmpty(t, Check(e))
	e.DeadLetters, e.Since = nil, noon.Add(time.Second)
	require.Empty(t, Check(e), "it was paid before this drill")
}

func TestFaultsInMetrics(t *testing.T) {
	page := func(up, state string) string {
		return "# TYPE onlywave_dependency_up gauge\nonlywave_dependency_up{dependency=\"postgres\"} " + up + "\n" +
			"# TYPE onlywave_breaker_state gauge\nonlywave_breaker_state{breaker=\"read\",state=\"open\"} 0\n" +
			"onlywave_breaker_state{breaker=\"read\",state=\"" + state + "\"} 1\n"
	}
	require.Empty(t, faultsIn(page("1", "closed")))
	require.Equal(t, []string{"postgres is down"}, faultsIn(page("0", "closed")))
	require.Equal(t, []string{"breaker read is half_open"}, faultsIn(page("1", "half_open")))
	require.Equal(t, []string{"its metrics cannot be read"}, faultsIn("<html>"))
}

func TestTheCheckerObjects(t *testing.T) {
	covered := map[string]bool{}
	for _, row := range spoilt {
		covered[row.rule] = true
		e := clean()
		row.spoil(&e)
		wanted := ""
		if row.payment > 0 {
			wanted = id(row.payment)
		}
		found := false
		objections := Check(e)
		for _, o := range objections {
			found = found || o.Rule == row.rule && o.PaymentID == wanted && strings.Contains(o.Known, row.says)
		}
		require.True(t, found, "%s: the objections are %v", row.name, objections)
	}
	for _, r := range rules {
		require.True(t, covered[r.name] || strings.Contains(r.name, "checkout"), "no row breaks the rule: %s", r.name)
	}
}

func TestAnAPIKeyIsFound(t *testing.T) {
	text, _ := access.NewAPIKey("test", "demo", nil, noon)
	e := clean()
	page("key " + text)(&e)
	objections := Check(e)
	require.Len(t, objections, 1)
	require.Contains(t, objections[0].String(), "an API key")
	require.NotContains(t, objections[0].String(), text, "the objection repeats no secret")
}

// What has gone wrong and been handed to a person is accounted for.
func TestDeadLettersAccount(t *testing.T) {
	e := clean()
	e.add(6, payment.Processing, payment.Unknown)
	e.Ledger = without(e.Ledger, func(x simulator.Entry) bool { return x.ExternalReference == id(6) })
	e.Operations[5].Outcome = "unknown"
	require.NotEmpty(t, Check(e))
	e.DeadLetters = []DeadLetter{{Cause: "unknown-outcome", PaymentID: id(6), WorkflowID: "payment/" + id(6), RunID: "run", State: "open"}}
	require.Empty(t, Check(e))

	e.Archived = without(e.Archived, func(n Notification) bool { return n.RequestID == "request-2-expired" })
	require.NotEmpty(t, Check(e))
	e.DeadLetters = append(e.DeadLetters, DeadLetter{MessageID: "n", RequestID: "request-2-expired", State: "open"})
	require.Empty(t, Check(e))

	processed := e.Processed[0]
	e.Processed = e.Processed[1:]
	require.NotEmpty(t, Check(e))
	e.DeadLetters = append(e.DeadLetters, DeadLetter{MessageID: processed, State: "open"})
	require.Empty(t, Check(e))

	e.Workflows = append(e.Workflows, Workflow{ID: "payment/" + id(1), RunID: "before", Status: "Failed", Started: noon.Add(-time.Hour)})
	require.NotEmpty(t, Check(e))
	e.DeadLetters = append(e.DeadLetters, DeadLetter{WorkflowID: "payment/" + id(1), RunID: "before", State: "redriven"})
	require.Empty(t, Check(e))
}

const (
	checkoutIsKept = "a checkout that a client was told of is there once"
	triesAreKept   = "every try at a checkout is one payment of it"
	checkoutIsPaid = "a checkout is paid when a try is"
	checkoutIsTold = "what has paid a checkout is told once, and a second payment goes back if that is wanted"
	checkoutIsSeen = "checkouts that wait have a running workflow, and no others do"
)

// Logs are full of long numbers and ids. None of these may pass for a card number.
func TestIdsAndTimesAreNoCardNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 5_000 {
		line := fmt.Sprintf(`{"id":"%s","trace":"%016x%016x","at":%d,"took":%.17f,"provider":%d}`,
			uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, random.Uint64())), random.Uint64(), random.Uint64(),
			noon.UnixNano()+random.Int64N(1e15), random.Float64()*5, 106_400_160_592+random.Int64N(1e9))
		require.Empty(t, secretsIn(line, nil), line)
	}
}
