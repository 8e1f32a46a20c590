package postgres

import (
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// metrics measure what happens to payments: each move once, in the process that wrote it.
type metrics struct {
	moves    *prometheus.CounterVec
	surprise *prometheus.CounterVec
	failures *prometheus.CounterVec
	approval *prometheus.HistogramVec
	delay    *prometheus.HistogramVec
	lists    *prometheus.CounterVec
}

// The servers, as metrics name them.
const fromPrimary, fromReplica = "primary", "replica"

func newMetrics() metrics {
	m := metrics{
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_payment_moves_total", Help: "Payments that moved to a status, by method and status.",
		}, []string{"method", "status"}),
		surprise: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_payment_surprises_total", Help: "Moves of payments that the table of moves does not have, by the new status.",
		}, []string{"status"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_payment_failures_total", Help: "Payments that failed, were rejected for a reason of ours or became unknown, by failure code.",
		}, []string{"code"}),
		approval: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onlywave_payment_approval_seconds", Help: "Time from a payment's creation to its approval.",
			Buckets: []float64{1, 5, 15, 30, 60, 300, 900, 3600, 6 * 3600, 86400},
		}, []string{"method"}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "onlywave_payment_news_age_seconds", Help: "Time from the provider's change of a payment, by its clock, until the database had it.",
			Buckets: []float64{.5, 1, 2, 5, 15, 60, 300, 900, 3600, 6 * 3600, 86400},
		}, []string{"method"}),
		lists: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "onlywave_postgres_lists_total", Help: "Lists read, by server.",
		}, []string{"server"}),
	}
	m.lists.WithLabelValues(fromPrimary)
	m.lists.WithLabelValues(fromReplica)
	for _, s := range payment.Statuses() {
		m.surprise.WithLabelValues(string(s)) // what is first seen at 1 has not grown, for Prometheus
	}
	for _, code := range failure.Codes() {
		m.failures.WithLabelValues(string(code))
	}
	for _, method := range payment.MethodTypes() {
		for _, s := range payment.Statuses() {
			m.moves.WithLabelValues(string(method), string(s))
		}
		m.approval.WithLabelValues(string(method))
		m.delay.WithLabelValues(string(method))
	}
	return m
}

func (m metrics) opened(method payment.MethodType) {
	m.moves.WithLabelValues(string(method), string(payment.Processing)).Inc()
}

func (m metrics) surprised(to payment.Status) { m.surprise.WithLabelValues(string(to)).Inc() }

func (m metrics) listed(from string) { m.lists.WithLabelValues(from).Inc() }

// moved counts a move to a new status. changed is when the provider changed the payment; zero: the provider did not cause the move.
func (m metrics) moved(method payment.MethodType, from, to payment.Status, created, changed, at time.Time) {
	if !changed.IsZero() {
		m.delay.WithLabelValues(string(method)).Observe(max(at.Sub(changed), 0).Seconds())
	}
	if from == to {
		return
	}
	m.moves.WithLabelValues(string(method), string(to)).Inc()
	if to == payment.Approved && (from == payment.Processing || from.Open()) {
		m.approval.WithLabelValues(string(method)).Observe(at.Sub(created).Seconds())
	}
}

// failed counts a failure; "" is none.
func (m metrics) failed(code failure.Code) {
	if code != "" {
		m.failures.WithLabelValues(string(code)).Inc()
	}
}

// Collectors are the metrics of the store: of its pools, and of what payments do.
func (s *Store) Collectors() []prometheus.Collector {
	all := []prometheus.Collector{pool{s.pool, fromPrimary}, s.metrics.moves, s.metrics.surprise, s.metrics.failures, s.metrics.approval,
		s.metrics.delay, s.metrics.lists, clockAhead{&s.clock}}
	if s.replica != nil {
		all = append(all, pool{s.replica.pool, fromReplica}, replicaAge{s.replica})
	}
	return all
}

// pool shows the connections, as they are when it is asked.
type pool struct {
	*pgxpool.Pool
	server string
}

// described makes the description of a metric of one server. The server is a constant label: one process may have two.
func (p pool) described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, prometheus.Labels{"server": p.server})
}

func (p pool) conns() *prometheus.Desc {
	return p.described("onlywave_postgres_connections", "Connections to Postgres by state.", "state")
}

func (p pool) max() *prometheus.Desc {
	return p.described("onlywave_postgres_connections_max", "Largest number of connections to Postgres.")
}

func (p pool) waits() *prometheus.Desc {
	return p.described("onlywave_postgres_waits_total", "Times that a statement waited for a connection.")
}

func (p pool) waiting() *prometheus.Desc {
	return p.described("onlywave_postgres_wait_seconds_total", "Total time that statements waited for a connection.")
}

func (p pool) Describe(to chan<- *prometheus.Desc) {
	to <- p.conns()
	to <- p.max()
	to <- p.waits()
	to <- p.waiting()
}

func (p pool) Collect(to chan<- prometheus.Metric) {
	s := p.Stat()
	to <- prometheus.MustNewConstMetric(p.conns(), prometheus.GaugeValue, float64(s.AcquiredConns()), "in_use")
	to <- prometheus.MustNewConstMetric(p.conns(), prometheus.GaugeValue, float64(s.IdleConns()), "idle")
	to <- prometheus.MustNewConstMetric(p.max(), prometheus.GaugeValue, float64(s.MaxConns()))
	to <- prometheus.MustNewConstMetric(p.waits(), prometheus.CounterValue, float64(s.EmptyAcquireCount()))
	to <- prometheus.MustNewConstMetric(p.waiting(), prometheus.CounterValue, s.EmptyAcquireWaitTime().Seconds())
}

// replicaAge is infinite while the age is unknown.
type replicaAge struct{ *replica }

var replicaAgeDesc = prometheus.NewDesc("onlywave_postgres_replica_age_seconds", "Upper bound of the age of what the replica shows; +Inf: unknown.", nil, nil)

func (replicaAge) Describe(to chan<- *prometheus.Desc) { to <- replicaAgeDesc }

func (r replicaAge) Collect(to chan<- prometheus.Metric) {
	seconds := math.Inf(1)
	if age, known := r.age(); known {
		seconds = age.Seconds()
	}
	to <- prometheus.MustNewConstMetric(replicaAgeDesc, prometheus.GaugeValue, seconds)
}
