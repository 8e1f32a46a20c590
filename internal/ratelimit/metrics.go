package ratelimit

import "github.com/prometheus/client_golang/prometheus"

// Who decided on a request.
const (
	byFleet   = "fleet"   // Redis, for all processes
	byProcess = "process" // this one: by what it knew for certain, or because Redis is away
)

func newRequests() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_limited_requests_total", Help: "Requests by the first of the limits they were held against, by what was said, and by who decided.",
	}, []string{"limit", "outcome", "decided"})
}

// Collectors are the metrics of the limiter.
func (l *Limiter) Collectors() []prometheus.Collector { return []prometheus.Collector{l.requests} }

func (l *Limiter) count(limits []Limit, v Verdict, by string) Verdict {
	outcome := "refused"
	if v.Admitted {
		outcome = "admitted"
	}
	l.requests.WithLabelValues(limits[0].Name, outcome, by).Inc()
	return v
}
