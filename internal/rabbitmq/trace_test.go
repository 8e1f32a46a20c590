package rabbitmq

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/onlywave/onlywave/internal/tracing"
)

// A message has the span it comes from in a header, also when it is retried. The headers of the publisher are not changed.
func TestAMessageCarriesItsTrace(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	t.Cleanup(tracing.Use(sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))))
	p := connect(t)
	_, channel := dial(t)

	ctx, root := tracing.Root(t.Context(), tracing.Server, "root")
	m := payment("1")
	m.Headers = map[string]any{"x-request-id": "abc"}
	require.NoError(t, p.Publish(ctx, ExchangeWebhooks, m))
	require.Equal(t, map[string]any{"x-request-id": "abc"}, m.Headers)
	d := newDelivery(fetch(t, channel, QueueProcess))
	d.Message = (&fault{cause: "invalid", err: errors.New("no")}).postponed(d, time.Second, time.Now())
	_, s := Traced(t.Context(), QueueProcess, d)
	s.End("fault")
	root.End("")

	require.NoError(t, p.Publish(t.Context(), ExchangeWebhooks, payment("2")))
	d = newDelivery(fetch(t, channel, QueueProcess))
	require.NotContains(t, d.Headers, tracing.Header)
	_, s = Traced(t.Context(), QueueProcess, d)
	require.False(t, s.Traced())

	ended := recorder.Ended()
	require.Len(t, ended, 3)
	published, processed := ended[0], ended[1]
	require.Equal(t, "publish onlywave.webhooks", published.Name())
	require.Equal(t, "process onlywave.webhooks.process", processed.Name())
	require.Equal(t, published.SpanContext().SpanID(), processed.Parent().SpanID())
	require.Equal(t, published.SpanContext().TraceID(), processed.SpanContext().TraceID())
	require.Equal(t, "fault", processed.Status().Description)
}
