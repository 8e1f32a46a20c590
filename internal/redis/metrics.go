package redis

import "github.com/prometheus/client_golang/prometheus"

// Collectors are the metrics of the store.
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "onlywave_redis_away", Help: "1 while Redis, or a node of its cluster, is away and this process decides for itself what it would be asked.",
	}, func() float64 {
		if s.Away() {
			return 1
		}
		return 0
	})}
}
