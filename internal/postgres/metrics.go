package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/payment"
)

// metrics are of what payments do: each move once, by the process that wrote it.
type metrics struct {
	moves    *prometheus.CounterVec
	approval *prometheus.HistogramVec
	news     *prometheus.HistogramVec
}

func newMetrics() metrics {
	m := metrics{
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_payment_moves_total", Help: "Payments by method and by the status that they came to; each once for each status.",
		}, []string{"method", "status"}),
		approval: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onlywave_payment_approval_seconds", Help: "From a payment's creation to its approval.",
			Buckets: []float64{1, 5, 15, 30, 60, 300, 900, 3600, 6 * 3600, 86400},
		}, []string{"method"}),
		news: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onlywave_payment_news_age_seconds", Help: "From the provider's change of a payment, by its clock, to ours.",
			Buckets: []float64{.5, 1, 2, 5, 15, 60, 300, 900, 3600, 6 * 3600, 86400},
		}, []string{"method"}),
	}
	for _, s := range payment.Statuses() {
		m.moves.WithLabelValues(string(payment.Pix), string(s))
	}
	m.approval.WithLabelValues(string(payment.Pix))
	m.news.WithLabelValues(string(payment.Pix))
	return m
}

func (m metrics) opened(method payment.MethodType) {
	m.moves.WithLabelValues(string(method), string(payment.Processing)).Inc()
}

// moved counts a move to a new status. news is when the provider changed the payment; zero: it had no part in this.
func (m metrics) moved(method payment.MethodType, from, to payment.Status, created, news, at time.Time) {
	if !news.IsZero() {
		m.news.WithLabelValues(string(method)).Observe(max(at.Sub(news), 0).Seconds())
	}
	if from == to {
		return
	}
	m.moves.WithLabelValues(string(method), string(to)).Inc()
	if to == payment.Approved && (from == payment.Processing || from.Open()) {
		m.approval.WithLabelValues(string(method)).Observe(at.Sub(created).Seconds())
	}
}

// Collectors are the metrics of the store: of its pool, and of what payments do.
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{pool{s.pool}, s.metrics.moves, s.metrics.approval, s.metrics.news}
}

// pool shows the connections, as they are when it is asked.
type pool struct{ *pgxpool.Pool }

var (
	poolConns   = prometheus.NewDesc("onlywave_postgres_connections", "Connections to Postgres by state.", []string{"state"}, nil)
	poolMax     = prometheus.NewDesc("onlywave_postgres_connections_max", "The most connections to Postgres that there may be.", nil, nil)
	poolWaits   = prometheus.NewDesc("onlywave_postgres_waits_total", "Times that a statement waited for a connection.", nil, nil)
	poolWaiting = prometheus.NewDesc("onlywave_postgres_wait_seconds_total", "How long statements waited for a connection, in all.", nil, nil)
)

func (pool) Describe(to chan<- *prometheus.Desc) {
	to <- poolConns
	to <- poolMax
	to <- poolWaits
	to <- poolWaiting
}

func (p pool) Collect(to chan<- prometheus.Metric) {
	s := p.Stat()
	to <- prometheus.MustNewConstMetric(poolConns, prometheus.GaugeValue, float64(s.AcquiredConns()), "in_use")
	to <- prometheus.MustNewConstMetric(poolConns, prometheus.GaugeValue, float64(s.IdleConns()), "idle")
	to <- prometheus.MustNewConstMetric(poolMax, prometheus.GaugeValue, float64(s.MaxConns()))
	to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(s.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(poolWaiting, prometheus.CounterValue, s.EmptyAcquireWaitTime().Seconds())
}
