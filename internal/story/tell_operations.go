package story

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// tellDeadLetters tells what could not be finished, and what became of it.
func (w *writer) tellDeadLetters() {
	for _, d := range w.deadLetters {
		at := diedAt(d)
		if d.Deaths > 1 {
			w.add(at, DeadLetter, Bad, diedAgain, short(d.ID), d.Cause.Title(), d.Deaths, w.clause(d.Error))
		} else {
			w.add(at, DeadLetter, Bad, died, short(d.ID), d.Cause.Title(), w.clause(d.Error))
		}
		if d.State == deadletter.Resolved || d.State == deadletter.Discarded {
			w.add(d.ClosedAt, DeadLetter, Good, deadClosed, short(d.ID), w.named(deadLetterStates, string(d.State)), d.ClosedBy, w.closing(d))
		}
	}
	for _, r := range w.redrives {
		if r.Outcome == "failed" {
			w.add(r.At, DeadLetter, Bad, redriveFailed, short(r.DeadLetterID), r.Actor, w.clause(r.Error))
		} else {
			w.add(r.At, DeadLetter, Waiting, redriven, short(r.DeadLetterID), r.Actor, w.clause(r.Reason))
		}
	}
}

// diedAt is when a dead letter died. Its message has that in whole seconds, rounded down; the database got it afterwards.
func diedAt(d deadletter.Message) time.Time {
	end := d.DiedAt.Add(time.Second - time.Millisecond)
	if d.DiedAt.Nanosecond() != 0 {
		return d.DiedAt
	}
	if d.ReceivedAt.After(d.DiedAt) && d.ReceivedAt.Before(end) {
		return d.ReceivedAt
	}
	return end
}

// closing is why a dead letter was closed. One that closed by itself says that the payment has a status, in English.
func (w *writer) closing(d deadletter.Message) string {
	if status, automatic := strings.CutPrefix(d.Reason, "the payment is "); automatic {
		return w.say(text{EN: "the payment is %s", PT: "o pagamento tem o status %s"}, payment.Status(status))
	}
	return w.clause(d.Reason)
}

func findingID(f payment.Finding) string { return strconv.FormatInt(f.ID, 10) }

// tellFindings tells what reconciliation found, but for missed notifications.
func (w *writer) tellFindings() {
	for _, f := range w.findings {
		if f.Kind == payment.MissedWebhook {
			continue
		}
		id, kind := findingID(f), w.named(findingKinds, string(f.Kind))
		w.add(f.FoundAt, Reconciliation, Bad, foundWrong, id, kind, w.clause(f.Detail))
		switch {
		case f.ClosedBy != "":
			w.add(f.ResolvedAt, Reconciliation, Good, findingClosed, f.ClosedBy, id, kind, w.clause(f.ClosedReason))
		case !f.ResolvedAt.IsZero():
			w.add(f.ResolvedAt, Reconciliation, Good, findingOver, id, kind)
		}
	}
}

// tellOperators tells the audit.
func (w *writer) tellOperators() {
	for _, e := range w.audit {
		what := w.named(acts, string(e.Action))
		if kind, id, _ := strings.Cut(e.Object, "/"); kind != "payment" {
			what += " " + short(id)
		}
		if end, err := time.Parse(time.RFC3339, e.After["held_until"]); err == nil {
			what += w.say(heldUntil, end)
		}
		channel := w.named(channels, string(e.Actor.Channel))
		if e.Reason == "" {
			w.add(e.At, Operator, Quiet, did, e.Actor.Name, channel, what)
		} else {
			w.add(e.At, Operator, Quiet, didBecause, e.Actor.Name, channel, what, w.clause(e.Reason))
		}
	}
}

// tellMissing says which parts could not be read.
func (w *writer) tellMissing() {
	if w.databaseErr != nil && failure.KindOf(w.databaseErr) != failure.NotFound {
		w.story.Missing = append(w.story.Missing, Missing{Database, w.say(databaseMissing)})
	}
	if w.temporalErr != nil {
		w.story.Missing = append(w.story.Missing, Missing{Temporal, w.say(temporalMissing)})
	}
	w.story.Links = w.links
	if traced := len(w.runs.All) > 0 && cmp.Or(w.runs.All[0].Trace, w.runs.All[len(w.runs.All)-1].Trace) != ""; !traced && w.temporalErr == nil {
		w.note(notTraced)
	}
}
