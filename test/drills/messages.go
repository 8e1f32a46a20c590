package drills

import (
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
)

// The rules about messages, queues and workflows.

// webhooksKept counts notifications by request id. A replayed notification has the request id of its original, so one stored copy is
// enough for both.
func webhooksKept(e Evidence, say objecting) {
	held := map[string]map[string]bool{} // notifications by request id
	hold := func(requestID, id string) {
		if held[requestID] == nil {
			held[requestID] = map[string]bool{}
		}
		held[requestID][id] = true
	}
	for _, n := range append(e.Archived, e.Spooled...) {
		hold(n.RequestID, n.ID)
	}
	for _, d := range e.DeadLetters {
		hold(d.RequestID, d.MessageID)
	}
	promised, about := map[string]int{}, map[string]string{}
	for _, w := range e.Webhooks {
		if w.Delivered && !e.lost.covers(w.Time) {
			promised[w.RequestID]++
			about[w.RequestID] = "the provider's payment " + w.PaymentID + ", notification of " + clock(w.Time)
		}
	}
	for _, w := range e.Flood {
		if w.LetIn() {
			promised[w.RequestID] = max(promised[w.RequestID], 1)
			about[w.RequestID] = "the provider's payment " + w.ProviderPaymentID + ", replayed at " + clock(w.At)
		}
	}
	for requestID, n := range promised {
		if got := len(held[requestID]); got < n {
			say("", "%s: answered 200 %d times under request id %s; %d of it in the archive, the spool or the dead letters", about[requestID], n, requestID, got)
		}
	}
}

// webhooksProcessed checks notifications of an update only: the charge knows about the creation already.
func webhooksProcessed(e Evidence, say objecting) {
	done := map[string]bool{}
	for _, id := range e.Processed {
		done[id] = true
	}
	for _, d := range e.DeadLetters {
		done[d.MessageID] = true
	}
	for _, n := range e.Archived {
		if n.Topic == "payment" && n.Action == "payment.updated" && !done[n.ID] {
			say("", "notification %s, request id %s, is in the archive; no worker has signalled its payment, and there is no dead letter", n.ID, n.RequestID)
		}
	}
}

func forgedRefused(e Evidence, say objecting) {
	for _, w := range e.Flood {
		if w.Kind == load.Forged && w.LetIn() {
			say(w.PaymentID, "the forged webhook with request id %s was answered %d", w.RequestID, w.Code)
		}
	}
}

func nothingWaits(e Evidence, say objecting) {
	for _, q := range e.Queues {
		if q.Messages > 0 && !q.Kept {
			say("", "%d messages in %s", q.Messages, q.Name)
		}
	}
	if n := len(e.Spooled); n > 0 {
		say("", "%d webhooks in the spool", n)
	}
	if e.Unpublished > 0 {
		say("", "%d messages in the outbox", e.Unpublished)
	}
}

func failuresKept(e Evidence, say objecting) {
	deadLetters := map[string]bool{}
	for _, d := range e.DeadLetters {
		deadLetters[d.WorkflowID+" "+d.RunID] = true
	}
	for _, w := range e.Workflows {
		if (w.Status == "Failed" || w.Status == "TimedOut") && !deadLetters[w.ID+" "+w.RunID] {
			id, _ := paymentOf(w)
			say(id, "run %s of workflow %s has %s; it has no dead letter", w.RunID, w.ID, w.Status)
		}
	}
}

func paymentOf(w Workflow) (id string, ok bool) { return strings.CutPrefix(w.ID, "payment/") }

func checkoutOf(w Workflow) (id string, ok bool) { return strings.CutPrefix(w.ID, "checkout/") }

func statusesOf(i load.Intent) []payment.Status {
	var all []payment.Status
	for _, a := range i.Answers {
		if a.Acknowledged() {
			all = append(all, payment.Status(a.Status))
		}
	}
	return all
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
