// Package temporaltracing carries traces through Temporal. Its one rule: nothing that a workflow does depends on a trace. It is apart from
// internal/tracing, because it links Temporal's SDK, which programs that only make spans do not need.
package temporaltracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/tracing"
)

// header is where Temporal carries a trace: the span that it goes on from, and others that it has met.
const header = "onlywave-trace"

// maxLinks bounds what a flood of webhooks leaves behind.
const maxLinks = 8

type (
	linksKey struct{} // in an activity's context: texts of spans that its own is linked with
	runKey   struct{} // of a workflow's context: *run
)

// run is what a workflow's run knows of traces. Nothing that it does depends on it.
type run struct {
	began string   // the span that started it; "" when that is not traced
	met   []string // spans whose signals and updates came since the last activity
}

// Propagator carries traces through Temporal. A workflow makes no spans of its own, for its code runs again and again; its
// activities continue the span that started the run, and are linked with those of the signals that they answer.
type Propagator struct{}

// Inject puts the caller's span into what it sends to a workflow.
func (Propagator) Inject(ctx context.Context, to workflow.HeaderWriter) error {
	return write(to, tracing.Text(ctx), nil)
}

// ExtractToWorkflow is for the start of a run, and for each signal and update it gets.
func (Propagator) ExtractToWorkflow(ctx workflow.Context, from workflow.HeaderReader) (workflow.Context, error) {
	texts := read(from)
	if r, started := ctx.Value(runKey{}).(*run); started {
		r.meet(texts)
		return ctx, nil
	}
	r := &run{}
	if len(texts) > 0 {
		r.began, r.met = texts[0], texts[1:]
	}
	return workflow.WithValue(ctx, runKey{}, r), nil
}

func (r *run) meet(texts []string) {
	for _, t := range texts {
		if t != r.began && len(r.met) < maxLinks && !slices.Contains(r.met, t) {
			r.met = append(r.met, t)
		}
	}
}

// InjectFromWorkflow gives an activity, or the next run, the spans that there are, once.
func (Propagator) InjectFromWorkflow(ctx workflow.Context, to workflow.HeaderWriter) error {
	r, ok := ctx.Value(runKey{}).(*run)
	if !ok {
		return nil
	}
	met := r.met
	r.met = nil
	return write(to, r.began, met)
}

// Extract is for an activity that begins.
func (Propagator) Extract(ctx context.Context, from workflow.HeaderReader) (context.Context, error) {
	texts := read(from)
	if len(texts) == 0 {
		return ctx, nil
	}
	ctx = tracing.From(ctx, texts[0])
	if len(texts) > 1 {
		ctx = context.WithValue(ctx, linksKey{}, texts[1:])
	}
	return ctx, nil
}

// Activity begins the span of one attempt of an activity, named as Temporal's own tracing does.
func Activity(ctx context.Context, name string) (context.Context, tracing.Span) {
	met, _ := ctx.Value(linksKey{}).([]string)
	return tracing.StartLinked(ctx, tracing.Internal, "RunActivity:", name, met)
}

func write(to workflow.HeaderWriter, began string, met []string) error {
	if began == "" {
		return nil
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(append([]string{began}, met...))
	if err != nil {
		return err
	}
	to.Set(header, payload)
	return nil
}

// read takes what it cannot read for nothing: a trace is not worth a payment.
func read(from workflow.HeaderReader) []string {
	payload, ok := from.Get(header)
	if !ok {
		return nil
	}
	var texts []string
	if converter.GetDefaultDataConverter().FromPayload(payload, &texts) != nil {
		return nil
	}
	return texts
}

// IDOf is the id of the trace that started a run, from the header of its first event; "" when it is not traced.
func IDOf(started *common.Header) string {
	var texts []string
	payload := started.GetFields()[header]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &texts) != nil || len(texts) == 0 {
		return ""
	}
	carrier := propagation.MapCarrier{tracing.Header: texts[0]}
	span := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}
