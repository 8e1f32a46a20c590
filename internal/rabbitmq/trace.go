package rabbitmq

import (
	"context"
	"maps"

	"github.com/onlywave/onlywave/internal/tracing"
)

// traced is m with the span that it comes from in its headers. The caller's own headers stay as they are.
func (m Message) traced(ctx context.Context) Message {
	text := tracing.Text(ctx)
	if text == "" {
		return m
	}
	headers := maps.Clone(m.Headers)
	if headers == nil {
		headers = map[string]any{}
	}
	headers[tracing.Header] = text
	m.Headers = headers
	return m
}

// Traced begins the span of d's handling, in the trace of its publisher, if there is one.
func Traced(ctx context.Context, queue string, d Delivery) (context.Context, tracing.Span) {
	text, _ := d.Headers[tracing.Header].(string)
	ctx, s := tracing.Start(tracing.From(ctx, text), tracing.Consumer, "process ", queue)
	s.Set("messaging.message.id", d.ID)
	s.SetInt("onlywave.failures", d.Failures)
	return ctx, s
}

// failureOf names how a publish failed, for a span.
func failureOf(err error) string {
	if err == nil {
		return ""
	}
	return outcomeOf(err)
}
