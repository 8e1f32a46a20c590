package redis

import "github.com/prometheus/client_golang/prometheus"

// Collectors are the metrics of the store.
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "onlywave_redis_unavailable", Help: "1 while Redis, or a node of its cluster, is unavailable and this process works without it.",
	}, func() float64 {
		if s.Unavailable() {
			return 1
		}
		return 0
	})}
}
