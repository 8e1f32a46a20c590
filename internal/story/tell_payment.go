package story

import (
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// tellRequest tells what the client app asked for, and the operations that follow from it.
func (w *writer) tellRequest() {
	if !w.stored {
		return
	}
	p := w.payment
	if p.Reference == "" {
		w.add(p.CreatedAt, API, Quiet, requested, p.ClientID, p.Amount, w.payment.Method.Type)
	} else {
		w.add(p.CreatedAt, API, Quiet, requestedReference, p.ClientID, p.Amount, w.payment.Method.Type, p.Reference)
	}
	for _, o := range w.operations {
		amount := payment.Money{Centavos: o.Amount, Currency: p.Amount.Currency}
		w.add(o.CreatedAt, Provider, outcomeLevel(string(o.Outcome)), operation, w.named(kinds, string(o.Kind)), o.Number, amount, o.ProviderKey, w.named(operationOutcomes, string(o.Outcome)))
	}
}

func outcomeLevel(outcome string) Level {
	switch outcome {
	case "done", "sent", string(payment.RefundSucceeded):
		return Good
	case "refused", "unknown", "failed", "withheld":
		return Bad
	}
	return Quiet
}

// statusLevel is that of a payment's status.
func statusLevel(s payment.Status) Level {
	switch s {
	case payment.Approved:
		return Good
	case payment.Unknown, payment.Failed, payment.ChargedBack, payment.InDispute, payment.Rejected:
		return Bad
	case payment.Processing, payment.Pending, payment.InReview, payment.Authorized:
		return Waiting
	}
	return Quiet
}

// tellStatuses tells the moves of the payment's status, but for the first, which is the request's.
func (w *writer) tellStatuses() {
	for _, e := range w.events {
		if e.Seq > 1 {
			w.tellStatus(e)
		}
	}
	if at := w.payment.Provider.UpdatedAt; w.stored && !at.IsZero() && len(w.runs.All) == 0 {
		w.add(at, Provider, Quiet, newestAnswer, w.payment.Provider.PaymentID, w.payment.Provider.Status)
	}
	if end := w.payment.Instructions.ExpiresAt; w.payment.Status == payment.Pending && end.After(w.now) {
		w.waits(end, Provider, Waiting, buyerMayPay)
	}
	if len(w.events) == maxRows {
		w.note(rowsCut, maxRows)
	}
}

func (w *writer) tellDispute(at time.Time, d payment.EventDispute) {
	level := Bad
	switch d.Status {
	case payment.DisputeWon, payment.DisputeClosed:
		level = Good
	case payment.DisputeInReview:
		level = Waiting
	}
	amount := payment.Money{Centavos: d.Amount, Currency: w.payment.Amount.Currency}
	kind, status := w.named(disputeKinds, string(d.Kind)), w.named(disputeStatuses, string(d.Status))
	switch {
	case d.Change == payment.DisputeReminder:
		w.add(at, Provider, level, disputeDue, kind, amount, d.Deadline, d.ID)
	case d.Change == payment.DisputeEvidenceSent:
		w.add(at, Provider, Waiting, disputeProven, kind, amount, d.ID)
	case d.Deadline.IsZero():
		w.add(at, Provider, level, disputeMoved, kind, amount, status, d.ID)
	default:
		w.add(at, Provider, level, disputeWaits, kind, amount, status, d.Deadline, d.ID)
	}
}

func (w *writer) tellStatus(e payment.Event) {
	if s := e.Data.Settlement; s != nil {
		w.add(e.At, Provider, Good, settled, payment.Money{Centavos: s.Amount, Currency: w.payment.Amount.Currency})
		return
	}
	if d := e.Data.Dispute; d != nil {
		w.tellDispute(e.At, *d)
		return
	}
	if r := e.Data.Refund; r != nil {
		amount := payment.Money{Centavos: r.Amount, Currency: w.payment.Amount.Currency}
		w.add(e.At, Provider, outcomeLevel(string(r.Status)), refundMoved, amount, w.named(refundStatuses, string(r.Status)), r.ID)
		return
	}
	level := statusLevel(e.Status)
	var said string
	switch why := w.reason(e.Why()); {
	case e.Data.Actor != "":
		said = w.say(movedBy, e.Status, e.Data.Actor, w.clause(e.Data.Reason))
	case why != "":
		said = w.say(movedWhy, e.Status, why)
	case e.Data.ProviderStatus != "":
		said = w.say(movedProvider, e.Status, strings.Join(strings.Fields(e.Data.ProviderStatus+" "+e.Data.StatusDetail), ", "))
	default:
		said = w.say(moved, e.Status)
	}
	if e.Data.Surprising {
		level, said = Bad, said+w.say(surprising)
	}
	w.story.Entries = append(w.story.Entries, Entry{At: e.At.UTC(), Source: Provider, Level: level, Text: said})
}
