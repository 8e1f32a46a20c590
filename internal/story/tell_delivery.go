package story

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// tellWebhooks tells the notifications in the archive, and those that came late or never.
func (w *writer) tellWebhooks() {
	for _, n := range w.notifications {
		died := false
		for _, d := range w.deadLetters {
			if d.Original.ID == n.ID {
				died = true
				w.add(n.ReceivedAt, Webhook, Bad, webhookDied, cmp.Or(n.Action, n.Topic), short(d.ID), w.named(deadLetterStates, string(d.State)))
			}
		}
		if !died {
			w.add(n.ReceivedAt, Webhook, Quiet, webhookCame, cmp.Or(n.Action, n.Topic))
		}
	}
	for _, f := range w.findings {
		switch {
		case f.Kind != payment.MissedWebhook:
		case f.ResolvedAt.IsZero():
			w.add(f.FoundAt, Webhook, Waiting, webhookMissed, f.ProviderUpdatedAt, w.detail(f.Detail))
		default:
			w.add(f.FoundAt, Webhook, Waiting, webhookLate, f.ProviderUpdatedAt, f.ResolvedAt)
		}
	}
}

// details are those of missed notifications.
var details = map[string]text{
	postgres.MissedCreation: {EN: postgres.MissedCreation, PT: "o pagamento foi criado"},
	postgres.MissedChange:   {EN: postgres.MissedChange, PT: "o pagamento mudou"},
}

func (w *writer) detail(said string) string {
	if t, known := details[said]; known {
		return t.In(w.language)
	}
	return w.clause(said)
}

// notice is what an e-mail is about; a refund's has a number.
func (w *writer) notice(name string) string {
	kind, _, _ := strings.Cut(name, "-")
	return w.named(notices, kind)
}

func (w *writer) tellEmails() {
	for _, e := range w.emails {
		level, became := outcomeLevel(string(e.Outcome)), w.named(emailOutcomes, string(e.Outcome))
		if e.Notice == payment.Alert {
			w.add(e.At, Email, level, emailAlert, became)
		} else {
			w.add(e.At, Email, level, emailEnded, w.notice(string(e.Notice)), became)
		}
	}
	for _, e := range w.emailRuns {
		about := w.notice(e.name)
		switch {
		case e.run.State == workflows.RunFailed || e.run.State == workflows.RunTerminated:
			w.add(e.run.Ended, Email, Bad, emailFailed, about)
		case e.run.State != workflows.RunRunning: // not started yet, or forgotten
		case len(e.run.Waiting) > 0 && e.run.Waiting[0].Failure != "":
			try := e.run.Waiting[0]
			w.waits(try.Due, Email, Bad, emailRetries, about, try.Attempt, w.clause(try.Failure))
		default:
			w.waits(time.Time{}, Email, Waiting, emailWaits, about)
		}
	}
}

// tellEvents tells which events wait for their receivers.
func (w *writer) tellEvents() {
	if !w.stored || w.databaseErr != nil {
		return
	}
	newest := w.payment.Version
	if n := len(w.events); n > 0 {
		newest = max(newest, w.events[n-1].Seq)
	}
	waits := slices.IndexFunc(w.backlog.Sinks, func(b postgres.SinkBacklog) bool { return b.Sink == postgres.ToSubscribers })
	switch {
	case waits >= 0:
		b := w.backlog.Sinks[waits]
		if b.Seq == newest {
			w.waits(time.Time{}, Events, Waiting, eventWaits, b.Seq, b.Since)
			break
		}
		w.waits(time.Time{}, Events, Waiting, eventsWait, b.Seq, newest, b.Since)
	case w.backlog.Published >= newest:
		w.waits(time.Time{}, Events, Good, eventsOut, newest)
	default:
		w.waits(time.Time{}, Events, Waiting, eventsPending, w.backlog.Published, newest)
	}
	for _, b := range w.backlog.Sinks {
		if b.Sink == postgres.ToBuyer {
			w.waits(time.Time{}, Email, Waiting, emailsQueued, b.Seq, b.Since)
		}
	}
	for _, r := range w.backlog.Refused {
		w.waits(r.Due, Events, Bad, eventRefused, r.Seq, r.Failures)
	}
}
