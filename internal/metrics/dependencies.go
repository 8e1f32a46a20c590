package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

var dependencyUp = prometheus.NewDesc("onlywave_dependency_up", "1 while a dependency works, as this process sees it.",
	[]string{"dependency"}, nil)

// dependencies asks at each scrape.
type dependencies struct {
	ready func(context.Context) map[string]error
}

func (d dependencies) Describe(to chan<- *prometheus.Desc) { to <- dependencyUp }

func (d dependencies) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for name, err := range d.ready(ctx) {
		up := 1.0
		if err != nil {
			up = 0
		}
		to <- prometheus.MustNewConstMetric(dependencyUp, prometheus.GaugeValue, up, name)
	}
}
