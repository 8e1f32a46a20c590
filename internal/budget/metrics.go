package budget

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func newWaits() *prometheus.HistogramVec {
	waits := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_budget_wait_seconds", Help: "How long calls waited for their turn in the provider's budget, by whether they got it.",
		Buckets: []float64{.001, .01, .05, .1, .25, .5, 1},
	}, []string{"outcome"})
	waits.WithLabelValues("admitted")
	waits.WithLabelValues("refused")
	return waits
}

// Collectors are the metrics of the budget.
func (b *Budget) Collectors() []prometheus.Collector { return []prometheus.Collector{b.waits} }

func (b *Budget) waited(since time.Time, err error) {
	outcome := "admitted"
	if err != nil {
		outcome = "refused"
	}
	b.waits.WithLabelValues(outcome).Observe(time.Since(since).Seconds())
}
