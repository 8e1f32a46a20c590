package cache

import "github.com/prometheus/client_golang/prometheus"

// How a payment was found.
const (
	hit   = "hit"   // a copy was young enough
	miss  = "miss"  // the database was asked
	stale = "stale" // the database was unavailable and a copy too old for other times answered
)

// What became of a copy.
const (
	written = "written"
	older   = "older" // refused: a newer one is held
	lost    = "lost"  // Redis did not say
)

func newLooks() *prometheus.CounterVec {
	return newCounter("onlywave_cache_reads_total", "Reads of payments through the cache, by result: hit, miss or stale.", hit, miss, stale)
}

func newKeeps() *prometheus.CounterVec {
	return newCounter("onlywave_cache_writes_total", "Writes of payments to the cache, by result: written, older (refused) or lost.", written, older, lost)
}

func newCounter(name, help string, results ...string) *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"result"})
	for _, r := range results {
		counter.WithLabelValues(r)
	}
	return counter
}

func (c *Payments) looked(result string) { c.looks.WithLabelValues(result).Inc() }

func (c *Payments) wrote(result string) { c.keeps.WithLabelValues(result).Inc() }

// Collectors are the metrics of the cache; none of one that keeps nothing.
func (c *Payments) Collectors() []prometheus.Collector {
	if c == nil {
		return nil
	}
	return []prometheus.Collector{c.looks, c.keeps}
}
