package payloadcodec

import "github.com/prometheus/client_golang/prometheus"

func newDecrypted() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_payloads_decrypted_total",
		Help: "Payloads of Temporal that this process has decrypted, by the id of their key. A key may go once no process has decrypted with it for as long as Temporal keeps histories.",
	}, []string{"key"})
}

// Collectors are the codec's metrics.
func (c *Codec) Collectors() []prometheus.Collector { return []prometheus.Collector{c.decrypted} }
