package ratelimit

import "github.com/prometheus/client_golang/prometheus"

// Where a request was decided.
const (
	byFleet   = "fleet"   // in Redis, for all processes
	byProcess = "process" // in this process: it knew the answer for certain, or Redis is unavailable
)

func newRequests() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_limited_requests_total", Help: "Requests that were checked against limits, by the first limit, by outcome, and by where it was decided: in Redis or in the process.",
	}, []string{"limit", "outcome", "decided"})
}

// Collectors are the metrics of the limiter.
func (l *Limiter) Collectors() []prometheus.Collector { return []prometheus.Collector{l.requests} }

func (l *Limiter) count(limits []Limit, d Decision, by string) Decision {
	outcome := "refused"
	if d.Admitted {
		outcome = "admitted"
	}
	l.requests.WithLabelValues(limits[0].Name, outcome, by).Inc()
	return d
}
