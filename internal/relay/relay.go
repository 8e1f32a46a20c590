// Package relay publishes what has happened to payments: to the subscribers of onlywave.events, and by e-mail to buyers who want it.
// Its rule: no payment waits for it. What is to be published is in the outbox, a table that is written together with the event itself;
// the process that wrote it publishes it at once, and what that process could not publish any process publishes later.
//
// A row of the outbox is one payment and one sink. It belongs to one process at a time, which publishes the payment's events in the
// order of their numbers, so that each sink gets them in order.
package relay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// EndTime is the most that Run takes to return when it has to stop.
const EndTime = publishTime + databaseTime

// Config is what a Relay works with.
type Config struct {
	Database  *postgres.Store
	Publisher *rabbitmq.Publisher
	Cache     *cache.Payments // gets a copy of a payment before its event is published; nil: none is kept
	// Email begins an e-mail to the buyer, and does nothing when it was begun before; nil: buyers are sent none.
	Email func(context.Context, payment.Event) error
	// RepeatAfter is how long an event waits that a subscriber's queue has refused or not confirmed, before it is published
	// again; each further time it waits six times as long. 0: a minute.
	RepeatAfter time.Duration
	Log         *slog.Logger
}

// Relay publishes what has happened to payments.
type Relay struct {
	subscribers *subscribers
	lines       map[postgres.Sink]*line
	metrics     *metrics
}

// New makes the Relay of one process.
func New(c Config) *Relay {
	m := newMetrics()
	s := newSubscribers(c, m)
	return &Relay{subscribers: s, metrics: m, lines: map[postgres.Sink]*line{
		postgres.ToSubscribers: newLine(postgres.ToSubscribers, s.publish, s.ready, c, m),
		postgres.ToBuyer:       newLine(postgres.ToBuyer, (&buyers{c.Email}).publish, always, c, m),
	}}
}

// Take publishes an event that this process has written just now. The sinks are those whose rows of the outbox it owns since it was
// written; asked is from before that. It returns at once. Of ctx only the trace counts. A nil Relay leaves the event to others.
func (r *Relay) Take(ctx context.Context, e payment.Event, sinks []postgres.Sink, asked time.Time) {
	if r == nil {
		return
	}
	for sink, l := range r.lines {
		l.take(item{context.WithoutCancel(ctx), e}, slices.Contains(sinks, sink), asked.Add(postgres.OutboxLease))
	}
}

// Run publishes what other processes could not, until ctx ends; then it finishes what is in hand.
func (r *Relay) Run(ctx context.Context) error {
	var all errgroup.Group
	for _, l := range r.lines {
		all.Go(func() error { return l.run(ctx) })
	}
	all.Go(func() error { return r.subscribers.repeat(ctx) })
	all.Go(func() error { return r.subscribers.expired(ctx) })
	return all.Wait()
}

// Ready returns nil when onlywave.events and all queues that are bound to it take what they are sent, and else says what they did
// last, or that the broker is unavailable.
func (r *Relay) Ready() error {
	if err := r.subscribers.publisher.Ready(); err != nil {
		return err
	}
	if err := r.subscribers.trouble(); err != nil {
		return err
	}
	return r.lines[postgres.ToSubscribers].lastFailure()
}

// Collectors are the metrics.
func (r *Relay) Collectors() []prometheus.Collector { return []prometheus.Collector{r.metrics.events} }

// metrics count what was published.
type metrics struct{ events *prometheus.CounterVec }

// The outcomes of an event. They are the metric's labels.
const (
	published   = "published"
	refused     = "refused"     // by a queue of some subscriber; the others have it
	unconfirmed = "unconfirmed" // likewise
	unavailable = "unavailable" // it is not published; it is tried again until it is
	givenUp     = "given_up"    // one that was refused or unconfirmed each time
)

func newMetrics() *metrics {
	m := &metrics{events: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_outbox_events_total",
		Help: "Events of payments, by sink and outcome: published, refused or unconfirmed (by a subscriber's queue), unavailable or given_up.",
	}, []string{"sink", "outcome"})}
	for _, outcome := range []string{published, refused, unconfirmed, unavailable, givenUp} {
		m.events.WithLabelValues(string(postgres.ToSubscribers), outcome)
	}
	for _, outcome := range []string{published, unavailable} {
		m.events.WithLabelValues(string(postgres.ToBuyer), outcome)
	}
	return m
}

func (m *metrics) count(sink postgres.Sink, outcome string) {
	m.events.WithLabelValues(string(sink), outcome).Inc()
}

func always() bool { return true }

// buyers get e-mails, each of which is sent by a workflow of its own.
type buyers struct {
	begin func(context.Context, payment.Event) error
}

func (b *buyers) publish(ctx context.Context, e payment.Event) (string, error) {
	if b.begin == nil || e.Notice() == "" {
		return published, nil
	}
	if err := b.begin(ctx, e); err != nil {
		return unavailable, fmt.Errorf("begin the e-mail %s: %w", e.NoticeName(), err)
	}
	return published, nil
}
