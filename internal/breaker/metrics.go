package breaker

import (
	"cmp"
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

var stateDesc = prometheus.NewDesc("onlywave_breaker_state",
	"1 for the state of the fleet's breaker, forced or automatic; no series while Redis is unavailable.", []string{"breaker", "state"}, nil)

func newChanges() *prometheus.CounterVec {
	changes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_breaker_changes_total", Help: "Changes of the fleet's breakers that this process caused, by the new state.",
	}, []string{"breaker", "to"})
	for _, name := range Names() {
		for _, to := range States() {
			changes.WithLabelValues(name, string(to))
		}
	}
	return changes
}

// States lists the states.
func States() []State { return []State{Closed, Open, HalfOpen} }

// Collectors are the metrics of the breakers.
func (f *Fleet) Collectors() []prometheus.Collector {
	return []prometheus.Collector{f.changes, fleetStates{f}}
}

// fleetStates asks Redis when it is asked.
type fleetStates struct{ fleet *Fleet }

func (fleetStates) Describe(to chan<- *prometheus.Desc) { to <- stateDesc }

func (s fleetStates) Collect(to chan<- prometheus.Metric) {
	ctx := context.Background()
	for _, name := range Names() {
		if s.fleet.store.UnavailableFor(ctx, keys(name)[0]) {
			continue
		}
		b, err := s.fleet.Status(ctx, name)
		if err != nil {
			continue // that Redis is unavailable has a metric of its own
		}
		for _, state := range States() {
			is := 0.0
			if cmp.Or(b.Forced, b.State) == state {
				is = 1
			}
			to <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, is, b.Name, string(state))
		}
	}
}
