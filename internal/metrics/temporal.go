package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// Temporal is what Temporal's client and workers measure of themselves: how long tasks wait for a worker, free slots, the cache
// of running workflows. Its labels are names of queues, workflows and activities, never ids.
type Temporal struct {
	registry *prometheus.Registry
	provider *metric.MeterProvider
}

// buckets are in seconds; left to itself OpenTelemetry takes everything for milliseconds.
var buckets = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// NewTemporal makes the metrics of one client and its workers.
func NewTemporal() (*Temporal, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("measure Temporal's client: %w", err)
	}
	inSeconds := metric.NewView(metric.Instrument{Kind: metric.InstrumentKindHistogram},
		metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: buckets}})
	return &Temporal{registry, metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(inSeconds))}, nil
}

// Handler is what the client is given.
func (t *Temporal) Handler() client.MetricsHandler {
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: t.provider.Meter("temporal")})
}

// Collectors are the metrics, to be shown.
func (t *Temporal) Collectors() []prometheus.Collector { return []prometheus.Collector{t.registry} }
