// Package tracing makes the spans of what a traced payment passes through, and carries its trace from process to process. Its one rule: a
// span holds names, ids of ours and kinds of failure, never values, addresses or texts of others; and where nothing is traced
// it costs a look-up.
package tracing

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Kind is the kind of a span, as OpenTelemetry defines it.
type Kind = trace.SpanKind

// The kinds of span.
const (
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
	Internal = trace.SpanKindInternal
)

// Header is where a message carries its trace, as W3C's Trace Context writes it.
const Header = "traceparent"

// tracer is nil while nothing is traced.
var tracer atomic.Pointer[trace.Tracer]

// On says whether this process traces.
func On() bool { return tracer.Load() != nil }

// Use makes spans with provider, for the whole process, until stop.
func Use(provider trace.TracerProvider) (stop func()) {
	t := provider.Tracer("github.com/onlywave/onlywave")
	tracer.Store(&t)
	return func() { tracer.Store(nil) }
}

// Span is an operation in progress. The zero Span is not traced; all its methods may be called.
type Span struct{ span trace.Span }

// Wanted says whether what ctx is about is traced.
func Wanted(ctx context.Context) bool { return On() && trace.SpanContextFromContext(ctx).IsSampled() }

// Root begins a trace. A trace in ctx comes from outside: it is linked, and neither joined nor does it decide whether to trace.
func Root(ctx context.Context, kind Kind, name string) (context.Context, Span) {
	t := tracer.Load()
	if t == nil {
		return ctx, Span{}
	}
	ours := trace.ContextWithSpanContext(ctx, trace.SpanContext{}) // also when it is not to be traced
	return begin(ours, *t, name, trace.WithSpanKind(kind), trace.WithLinks(links(ctx)...))
}

func links(ctx context.Context) []trace.Link {
	if theirs := trace.SpanContextFromContext(ctx); theirs.IsValid() {
		return []trace.Link{{SpanContext: theirs}}
	}
	return nil
}

// Start begins a span inside the one that ctx carries, from this process or another, if that is traced. Its name is what and
// of together.
func Start(ctx context.Context, kind Kind, what, of string) (context.Context, Span) {
	return StartLinked(ctx, kind, what, of, nil)
}

// StartLinked is Start. The span is linked with those that the texts are about.
func StartLinked(ctx context.Context, kind Kind, what, of string, texts []string) (context.Context, Span) {
	t := tracer.Load()
	if t == nil || !Wanted(ctx) {
		return ctx, Span{}
	}
	var linked []trace.Link
	for _, text := range texts {
		linked = append(linked, links(From(context.Background(), text))...)
	}
	return begin(ctx, *t, what+of, trace.WithSpanKind(kind), trace.WithLinks(linked...))
}

func begin(ctx context.Context, t trace.Tracer, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	traced, s := t.Start(ctx, name, options...)
	if !s.IsRecording() {
		return ctx, Span{}
	}
	return traced, Span{s}
}

// Traced says whether s is recorded.
func (s Span) Traced() bool { return s.span != nil }

// Set says something of s.
func (s Span) Set(name, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(name, value))
	}
}

// SetInt is Set for numbers.
func (s Span) SetInt(name string, value int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(name, value))
	}
}

// End ends s. failure is a word for what kind of failure it was, "" for none.
func (s Span) End(failure string) {
	if s.span == nil {
		return
	}
	if failure != "" {
		s.Set("error.type", failure)
		s.span.SetStatus(codes.Error, failure)
	}
	s.span.End()
}

// Text is the span that ctx carries, for a message's header; "" when it is not traced.
func Text(ctx context.Context) string {
	if !Wanted(ctx) {
		return ""
	}
	var c propagation.MapCarrier = map[string]string{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c[Header]
}

// From is ctx carrying the span that text is about. A text that says nothing changes nothing.
func From(ctx context.Context, text string) context.Context {
	if text == "" || !On() {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Header: text})
}
