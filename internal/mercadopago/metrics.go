package mercadopago

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing"
)

// newCalls measures calls by operation and by how they ended: ok, or a kind of failure.
func newCalls() *prometheus.HistogramVec {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_provider_call_duration_seconds", Help: "Duration of calls to Mercado Pago, by operation and outcome (ok, or the kind of failure).",
		Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 10},
	}, []string{"operation", "outcome"})
	for _, op := range operations() {
		calls.WithLabelValues(op.name, "ok")
	}
	return calls
}

// What a word of Mercado Pago's says that is not known here.
const (
	wordStatus    = "status"
	wordRejection = "rejection"
	wordRefund    = "refund"
	wordDispute   = "dispute"
)

// newUnknown counts words that are not known here, by what they say. The word itself is no label: it may be any.
func newUnknown() *prometheus.CounterVec {
	unknown := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "onlywave_provider_words_unknown_total",
		Help: "Words in answers of Mercado Pago that are not known here, by what they say: a payment's status, why it was rejected, a refund's status, or how a dispute stands.",
	}, []string{"kind"})
	for _, kind := range []string{wordStatus, wordRejection, wordRefund, wordDispute} {
		unknown.WithLabelValues(kind) // what is first seen at 1 has not grown, for Prometheus
	}
	return unknown
}

// count counts a word that is not known here.
func (r reader) count(kind string) {
	if r.unknown != nil {
		r.unknown.WithLabelValues(kind).Inc()
	}
}

func (r reader) countDispute(d payment.ProviderDispute) {
	if d.Unknown != "" {
		r.count(wordDispute)
	}
}

// Collectors are the metrics of the client.
func (c *Client) Collectors() []prometheus.Collector {
	return []prometheus.Collector{c.calls, c.unknown}
}

// ask makes one call when the guard lets it through, and reads the answer. The subject is what the call is about, among those of
// its operation.
func (c *Client) ask(ctx context.Context, op operation, subject, key string, send func(context.Context) error, read func(body []byte) error) error {
	return c.guard.pass(ctx, op, subject, func(ctx context.Context) error {
		body, err := c.measured(ctx, op, key, send)
		if err != nil {
			return err
		}
		return read(body)
	})
}

// measured measures and traces a call. An answer that cannot be read is an answer all the same. The trace is not sent to Mercado
// Pago: it is ours.
func (c *Client) measured(ctx context.Context, op operation, key string, send func(context.Context) error) ([]byte, error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "mercadopago ", op.name)
	began := time.Now()
	body, err := exchanged(ctx, op, key, send)
	failure := failure.Label(err)
	s.End(failure)
	c.calls.WithLabelValues(op.name, cmp.Or(failure, "ok")).Observe(time.Since(began).Seconds())
	return body, err
}
