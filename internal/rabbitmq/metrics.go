package rabbitmq

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// connectionLabel distinguishes the publishers of one process.
func connectionLabel(name string) prometheus.Labels { return prometheus.Labels{"connection": name} }

func newPublishes(name string) *prometheus.HistogramVec {
	publishes := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_publish_duration_seconds", Help: "Time from a publish to the broker's confirm, by exchange and outcome.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 30}, ConstLabels: connectionLabel(name),
	}, []string{"exchange", "outcome"})
	for _, exchange := range []string{ExchangeWebhooks, ExchangeEvents, ExchangeDeadLetters} {
		publishes.WithLabelValues(exchange, "confirmed")
	}
	return publishes
}

// Collectors are the metrics of the publisher.
func (p *Publisher) Collectors() []prometheus.Collector {
	all := []prometheus.Collector{p.publishes}
	for _, destination := range p.destinations {
		d, labels := p.publishers[destination], prometheus.Labels{"connection": p.name, "destination": destination}
		all = append(all,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "onlywave_publishes_in_flight", ConstLabels: labels,
				Help: "Publishes that the broker has not confirmed yet, by destination: an exchange, or one of our queues.",
			}, func() float64 { return float64(len(d.slots)) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "onlywave_publish_silence_seconds", ConstLabels: labels,
				Help: "Time for which a destination has owed a confirm; 0: it owes none.",
			}, func() float64 { return d.silence().Seconds() }))
	}
	return all
}

func (p *Publisher) published(exchange string, since time.Time, err error) {
	p.publishes.WithLabelValues(exchange, outcomeOf(err)).Observe(time.Since(since).Seconds())
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return "confirmed"
	case errors.Is(err, ErrUnroutable):
		return "unroutable"
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrUnconfirmed):
		return "unconfirmed"
	}
	return "unavailable"
}

// Outcome is a handler's decision on a delivery as metrics name it: done, fault, dead-letter, postponed, or waiting for a dependency.
func Outcome(err error) string {
	if err == nil {
		return "done"
	}
	f, ok := errors.AsType[*fault](err)
	switch {
	case !ok:
		return "waiting"
	case f.innocent:
		return "postponed"
	case f.final:
		return "dead-letter"
	}
	return "fault"
}
