package mercadopago

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/tracing"
)

// newCalls measures calls by operation and by how they ended: ok, or a kind of failure.
func newCalls() *prometheus.HistogramVec {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "onlywave_provider_call_duration_seconds", Help: "How long calls to Mercado Pago took, by operation and outcome.",
		Buckets: []float64{.025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 10},
	}, []string{"operation", "outcome"})
	for _, operation := range []string{"create_pix", "get", "cancel", "search", "changes", "identify", "account"} {
		calls.WithLabelValues(operation, "ok")
	}
	return calls
}

// Collectors are the metrics of the client.
func (c *Client) Collectors() []prometheus.Collector { return []prometheus.Collector{c.calls} }

// ask measures and traces a call. One whose answer cannot be read has been answered all the same. Mercado Pago is not told of
// the trace, which is ours.
func (c *Client) ask(ctx context.Context, operation, key string, call func(context.Context) error) ([]byte, error) {
	ctx, s := tracing.Start(ctx, tracing.Client, "mercadopago ", operation)
	began := time.Now()
	body, err := ask(ctx, key, call)
	failure := failure.Label(err)
	s.End(failure)
	c.calls.WithLabelValues(operation, cmp.Or(failure, "ok")).Observe(time.Since(began).Seconds())
	return body, err
}
