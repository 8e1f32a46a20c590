package providerlimit

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/payment"
)

func newWaits() *prometheus.HistogramVec {
	waits := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_provider_limit_wait_seconds", Help: "Time that calls waited for the provider rate limit, by urgency and outcome (admitted, refused).",
		Buckets: []float64{.001, .01, .05, .1, .25, .5, 1},
	}, []string{"urgency", "outcome"})
	for _, u := range payment.Urgencies() {
		waits.WithLabelValues(u.String(), "admitted")
		waits.WithLabelValues(u.String(), "refused")
	}
	return waits
}

// Collectors are the metrics of the limit.
func (l *Limit) Collectors() []prometheus.Collector { return []prometheus.Collector{l.waits} }

func (l *Limit) waited(u payment.Urgency, since time.Time, err error) {
	outcome := "admitted"
	if err != nil {
		outcome = "refused"
	}
	l.waits.WithLabelValues(u.String(), outcome).Observe(time.Since(since).Seconds())
}
