package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/postgres"
)

const (
	gaugesEvery   = 15 * time.Second // the database is read at most so often, however many scrapes come
	gaugesTimeout = 3 * time.Second
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("onlywave_"+name, help+" Counted over the whole database: take the maximum over workers.", labels, nil)
}

var (
	openPayments      = gauge("payments_open", "Open payments, by status.", "status")
	openPaymentAge    = gauge("payments_open_oldest_seconds", "Time since the last change of the open payment that has waited longest, by status.", "status")
	openDeadLetters   = gauge("dead_letters_open", "Open dead letters, by cause.", "cause")
	openDeadLetterAge = gauge("dead_letters_open_oldest_seconds", "Age of the oldest open dead letter, by cause.", "cause")
	openFindings      = gauge("reconciliation_findings_open", "Open findings of reconciliation, by kind.", "kind")
	behind            = gauge("payments_behind", "Payments of which Mercado Pago has a newer state, as reconciliation found.")
	behindAge         = gauge("payments_behind_oldest_seconds", "Time since reconciliation found the newer state of the payment that is behind longest.")
	pastEnd           = gauge("payments_past_end", "Pending payments whose end has passed.")
	pastEndAge        = gauge("payments_past_end_oldest_seconds", "Time since the end of the pending payment that ended first.")
	openRefunds       = gauge("refunds_open", "Refunds that have not ended.")
	openRefundAge     = gauge("refunds_open_oldest_seconds", "Time since the refund was asked for that has been open longest.")
	dueDisputes       = gauge("disputes_due", "Disputes that wait for documents or an answer, and whose deadline comes within four days.")
	spoolDepth        = gauge("spool_webhooks", "Webhooks that wait in Postgres for RabbitMQ.")
	spoolAge          = gauge("spool_oldest_seconds", "Time that the oldest webhook in the spool has waited.")
	outboxDepth       = gauge("outbox_payments", "Payments with events to deliver, by sink: events (subscribers) or email (the buyer).", "sink")
	outboxAge         = gauge("outbox_oldest_seconds", "Time that the oldest payment in the outbox has waited, by sink.", "sink")
	eventRepeats      = gauge("event_repeats", "Events that a subscriber's queue did not accept, to be published again.")
	missedWebhooks    = gauge("webhooks_missed", "Webhooks that reconciliation found missing in the last hour.")
	statementBehind   = gauge("reconciliation_behind_seconds", "Time since the end of the newest window that reconciliation has compared; before the first, since the first client app was created.")
	partitionsAhead   = gauge("partitions_ahead_seconds", "Time until the end of the last partition of the notifications.")
)

// Gauges shows what is open in the database. While the database does not answer it shows nothing, which is not the same as 0.
type Gauges struct {
	database *postgres.Store
	log      *slog.Logger

	mu    sync.Mutex
	asked time.Time
	last  *postgres.Gauges
}

// NewGauges makes them. The first scrape reads the database.
func NewGauges(database *postgres.Store, log *slog.Logger) *Gauges {
	return &Gauges{database: database, log: log}
}

// Describe makes Gauges a prometheus.Collector.
func (f *Gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openPayments, openPaymentAge, openDeadLetters, openDeadLetterAge, openFindings,
		behind, behindAge, pastEnd, pastEndAge, openRefunds, openRefundAge, dueDisputes, spoolDepth, spoolAge, outboxDepth, outboxAge, eventRepeats,
		missedWebhooks, statementBehind, partitionsAhead} {
		to <- d
	}
}

// Collect shows what was last counted, and counts anew when that is old.
func (f *Gauges) Collect(to chan<- prometheus.Metric) {
	now := f.current()
	if now == nil {
		return
	}
	show := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for status, n := range now.Payments {
		show(openPayments, float64(n.Count), string(status))
		show(openPaymentAge, n.Oldest.Seconds(), string(status))
	}
	for cause, n := range now.DeadLetters {
		show(openDeadLetters, float64(n.Count), string(cause))
		show(openDeadLetterAge, n.Oldest.Seconds(), string(cause))
	}
	for kind, n := range now.Findings {
		show(openFindings, float64(n.Count), string(kind))
	}
	show(behind, float64(now.Behind.Count))
	show(behindAge, now.Behind.Oldest.Seconds())
	show(pastEnd, float64(now.PastEnd.Count))
	show(pastEndAge, now.PastEnd.Oldest.Seconds())
	show(openRefunds, float64(now.Refunds.Count))
	show(openRefundAge, now.Refunds.Oldest.Seconds())
	show(dueDisputes, float64(now.Due.Count))
	show(spoolDepth, float64(now.Spool.Count))
	show(spoolAge, now.Spool.Oldest.Seconds())
	for sink, n := range now.Undelivered {
		show(outboxDepth, float64(n.Count), string(sink))
		show(outboxAge, n.Oldest.Seconds(), string(sink))
	}
	show(eventRepeats, float64(now.Repeats.Count))
	show(missedWebhooks, float64(now.Missed))
	show(statementBehind, now.Since.Seconds())
	show(partitionsAhead, now.Ahead.Seconds())
}

func (f *Gauges) current() *postgres.Gauges {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) < gaugesEvery {
		return f.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), gaugesTimeout)
	defer cancel()
	found, err := f.database.Gauges(ctx)
	f.asked, f.last = time.Now(), &found
	if err != nil {
		f.log.Warn("gauges", "error", err)
		f.last = nil
	}
	return f.last
}
