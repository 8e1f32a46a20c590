package worker

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// Metrics measure what a worker does. Nil measures nothing.
type Metrics struct {
	activities *prometheus.HistogramVec
	messages   *prometheus.CounterVec
	lag        prometheus.Histogram
	joins      prometheus.Counter
	unknowns   prometheus.Counter
	unserveds  *prometheus.CounterVec
}

// NewMetrics makes the metrics of one worker.
func NewMetrics() *Metrics {
	m := &Metrics{
		activities: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onlywave_activity_duration_seconds", Help: "Duration of one attempt of an activity, by activity and outcome (ok, or the kind of failure).",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"activity", "outcome"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_messages_total", Help: "Messages handled, by queue and outcome: done, fault, dead-letter, postponed or waiting.",
		}, []string{"queue", "outcome"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "onlywave_webhook_lag_seconds", Help: "Seconds from a webhook's arrival to the signal of its payment's workflow.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 900, 3600},
		}),
		joins: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onlywave_webhooks_joined_total", Help: "Webhooks without a signal of their own, since another about the same payment was waiting to be signalled.",
		}),
		unknowns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onlywave_webhooks_unknown_total", Help: "Webhooks about payments that neither Mercado Pago nor the database has, after all retries; the archive keeps them.",
		}),
		unserveds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_webhooks_unserved_total", Help: "Webhooks about what OnlyWave does not have, such as orders of the Orders API, by topic; the archive keeps them.",
		}, []string{"topic"}),
	}
	m.unserveds.WithLabelValues("order")
	for _, queue := range []string{rabbitmq.QueueProcess, rabbitmq.QueueArchive, rabbitmq.QueueDeadLetters} {
		m.messages.WithLabelValues(queue, "done")
	}
	return m
}

// Collectors are the metrics, to be shown.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.activities, m.messages, m.lag, m.joins, m.unknowns, m.unserveds}
}

func (m *Metrics) activityDone(name, outcome string, took time.Duration) {
	if m != nil {
		m.activities.WithLabelValues(name, outcome).Observe(took.Seconds())
	}
}

func (m *Metrics) signalled(received time.Time) {
	if m != nil {
		m.lag.Observe(max(time.Since(received), 0).Seconds())
	}
}

func (m *Metrics) unknown() {
	if m != nil {
		m.unknowns.Inc()
	}
}

func (m *Metrics) unserved(topic string) {
	if m != nil {
		m.unserveds.WithLabelValues(topic).Inc()
	}
}

func (m *Metrics) joined() {
	if m != nil {
		m.joins.Inc()
	}
}

// one counts the messages of a queue on their way to their handler.
func (m *Metrics) one(queue string, handle func(context.Context, rabbitmq.Delivery) error) func(context.Context, rabbitmq.Delivery) error {
	if m == nil {
		return handle
	}
	return func(ctx context.Context, d rabbitmq.Delivery) error {
		err := handle(ctx, d)
		m.messages.WithLabelValues(queue, rabbitmq.Outcome(err)).Inc()
		return err
	}
}

// batch is one for those that come together.
func (m *Metrics) batch(queue string, handle func(context.Context, []rabbitmq.Delivery) error) func(context.Context, []rabbitmq.Delivery) error {
	if m == nil {
		return handle
	}
	return func(ctx context.Context, all []rabbitmq.Delivery) error {
		err := handle(ctx, all)
		m.messages.WithLabelValues(queue, rabbitmq.Outcome(err)).Add(float64(len(all)))
		return err
	}
}
