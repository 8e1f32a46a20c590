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
	figuresEvery = 15 * time.Second // at most so often is the record asked, however many ask us
	figuresTime  = 3 * time.Second
)

func figure(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("onlywave_"+name, help+" Of the whole record: take the maximum over workers.", labels, nil)
}

var (
	openPayments   = figure("payments_open", "Payments that are not over, by status.", "status")
	openPaymentAge = figure("payments_open_oldest_seconds", "How long the one of them that changed last of all has not.", "status")
	openLetters    = figure("dead_letters_open", "Dead letters that nobody has dealt with, by cause.", "cause")
	openLetterAge  = figure("dead_letters_open_oldest_seconds", "How long the oldest of them has been dead.", "cause")
	openFindings   = figure("reconciliation_findings_open", "What the provider's books and ours disagree on, by kind.", "kind")
	behind         = figure("payments_behind", "Payments that Mercado Pago knows something newer of, as reconciliation found.")
	behindAge      = figure("payments_behind_oldest_seconds", "How long ago that was found of the one of them that is behind longest.")
	pastEnd        = figure("payments_past_end", "Pending payments whose end has passed.")
	pastEndAge     = figure("payments_past_end_oldest_seconds", "How long ago the first of them ended.")
	spoolDepth     = figure("spool_webhooks", "Webhooks that wait in Postgres for the broker.")
	spoolAge       = figure("spool_oldest_seconds", "How long the oldest of them has waited.")
	outboxDepth    = figure("outbox_payments", "Payments of which somebody has still to be told, by who: events (subscribers) or email (the buyer).", "sink")
	outboxAge      = figure("outbox_oldest_seconds", "How long the oldest of them has waited.", "sink")
	eventRepeats   = figure("event_repeats", "Events that a subscriber's queue did not take, and that will be published again.")
	missedWebhooks = figure("webhooks_missed", "Webhooks that reconciliation found missing in the last hour.")
	booksBehind    = figure("reconciliation_behind_seconds", "Age of the newest moment up to which the provider's books are compared with ours; before the first time, of the first client app.")
	monthsAhead    = figure("record_months_ahead_seconds", "How long until the last month whose notifications have a partition is over.")
)

// Figures shows what is open in the record. While the record does not answer it shows nothing, which is not the same as 0.
type Figures struct {
	record *postgres.Store
	log    *slog.Logger

	mu    sync.Mutex
	asked time.Time
	last  *postgres.Figures
}

// NewFigures makes them; the record is first asked when somebody looks.
func NewFigures(record *postgres.Store, log *slog.Logger) *Figures {
	return &Figures{record: record, log: log}
}

// Describe makes Figures a prometheus.Collector.
func (f *Figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openPayments, openPaymentAge, openLetters, openLetterAge, openFindings,
		behind, behindAge, pastEnd, pastEndAge, spoolDepth, spoolAge, outboxDepth, outboxAge, eventRepeats,
		missedWebhooks, booksBehind, monthsAhead} {
		to <- d
	}
}

// Collect shows what was last counted, and counts anew when that is old.
func (f *Figures) Collect(to chan<- prometheus.Metric) {
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
		show(openLetters, float64(n.Count), string(cause))
		show(openLetterAge, n.Oldest.Seconds(), string(cause))
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
	show(booksBehind, now.Since.Seconds())
	show(monthsAhead, now.Ahead.Seconds())
}

func (f *Figures) current() *postgres.Figures {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.asked) < figuresEvery {
		return f.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresTime)
	defer cancel()
	found, err := f.record.Figures(ctx)
	f.asked, f.last = time.Now(), &found
	if err != nil {
		f.log.Warn("figures", "error", err)
		f.last = nil
	}
	return f.last
}
