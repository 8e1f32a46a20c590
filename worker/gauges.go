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
	gaugesEvery   = 15 * time.Second // at most so often is the database asked, however many ask us
	gaugesTimeout = 3 * time.Second
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("onlywave_"+name, help+" Of the whole database: take the maximum over workers.", labels, nil)
}

var (
	openPayments      = gauge("payments_open", "Payments that are not over, by status.", "status")
	openPaymentAge    = gauge("payments_open_oldest_seconds", "How long the one of them that changed last of all has not.", "status")
	openDeadLetters   = gauge("dead_letters_open", "Dead letters that nobody has dealt with, by cause.", "cause")
	openDeadLetterAge = gauge("dead_letters_open_oldest_seconds", "How long the oldest of them has been dead.", "cause")
	openFindings      = gauge("reconciliation_findings_open", "What the provider's books and ours disagree on, by kind.", "kind")
	behind            = gauge("payments_behind", "Payments that Mercado Pago knows something newer of, as reconciliation found.")
	behindAge         = gauge("payments_behind_oldest_seconds", "How long ago that was found of the one of them that is behind longest.")
	pastEnd           = gauge("payments_past_end", "Pending payments whose end has passed.")
	pastEndAge        = gauge("payments_past_end_oldest_seconds", "How long ago the first of them ended.")
	spoolDepth        = gauge("spool_webhooks", "Webhooks that wait in Postgres for the broker.")
	spoolAge          = gauge("spool_oldest_seconds", "How long the oldest of them has waited.")
	outboxDepth       = gauge("outbox_payments", "Payments of which somebody has still to be told, by who: events (subscribers) or email (the buyer).", "sink")
	outboxAge         = gauge("outbox_oldest_seconds", "How long the oldest of them has waited.", "sink")
	eventRepeats      = gauge("event_repeats", "Events that a subscriber's queue did not take, and that will be published again.")
	missedWebhooks    = gauge("webhooks_missed", "Webhooks that reconciliation found missing in the last hour.")
	statementBehind   = gauge("reconciliation_behind_seconds", "Age of the newest moment up to which the provider's books are compared with ours; before the first time, of the first client app.")
	partitionsAhead   = gauge("record_months_ahead_seconds", "How long until the last month whose notifications have a partition is over.")
)

// Gauges shows what is open in the database. While the database does not answer it shows nothing, which is not the same as 0.
type Gauges struct {
	database *postgres.Store
	log      *slog.Logger

	mu    sync.Mutex
	asked time.Time
	last  *postgres.Figures
}

// NewGauges makes them; the database is first asked when somebody looks.
func NewGauges(database *postgres.Store, log *slog.Logger) *Gauges {
	return &Gauges{database: database, log: log}
}

// Describe makes Gauges a prometheus.Collector.
func (f *Gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openPayments, openPaymentAge, openDeadLetters, openDeadLetterAge, openFindings,
		behind, behindAge, pastEnd, pastEndAge, spoolDepth, spoolAge, outboxDepth, outboxAge, eventRepeats,
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
	for cause, n := range now.Letters {
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
	show(spoolDepth, float64(now.Spool.Count))
	show(spoolAge, now.Spool.Oldest.Seconds())
	for sink, n := range now.Untold {
		show(outboxDepth, float64(n.Count), string(sink))
		show(outboxAge, n.Oldest.Seconds(), string(sink))
	}
	show(eventRepeats, float64(now.Repeats.Count))
	show(missedWebhooks, float64(now.Missed))
	show(statementBehind, now.Since.Seconds())
	show(partitionsAhead, now.Ahead.Seconds())
}

func (f *Gauges) current() *postgres.Figures {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) < gaugesEvery {
		return f.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), gaugesTimeout)
	defer cancel()
	found, err := f.database.Figures(ctx)
	f.asked, f.last = time.Now(), &found
	if err != nil {
		f.log.Warn("gauges", "error", err)
		f.last = nil
	}
	return f.last
}
