package rabbitmq

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/tracing"
	"github.com/onlywave/onlywave/test/tracesink/tracesinktest"
)

// A message has the span it comes from in a header, also when it is retried. The headers of the publisher are not changed.
func TestAMessageCarriesItsTrace(t *testing.T) {
	sink, stop := tracesinktest.Collect(t)
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

	stop()
	all := sink.Traces()
	require.Len(t, all, 1)
	rows := all[0].Rows()
	require.Len(t, rows, 3)
	require.Equal(t, "publish onlywave.webhooks", rows[1].Name)
	require.Equal(t, "process onlywave.webhooks.process", rows[2].Name)
	require.Equal(t, rows[1].ID, rows[2].Parent)
	require.Equal(t, "fault", rows[2].Failure)
}
