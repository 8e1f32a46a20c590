package tracing

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Tests here do not run side by side: whether a process traces holds for all of it.
const foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// recordSpans traces such a part of what begins here, until the test's end.
func recordSpans(t *testing.T, ratio float64) *tracetest.SpanRecorder {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(ratio))))
	t.Cleanup(Use(provider))
	return recorder
}

func TestWhatIsNotTracedCostsNothing(t *testing.T) {
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		ctx, root := Root(From(ctx, foreign), Server, "root")
		ctx, inner := Start(ctx, Client, "in", "ner")
		ctx, linked := StartLinked(ctx, Internal, "lin", "ked", []string{foreign})
		inner.Set("name", "value")
		linked.SetInt("number", 1)
		for _, s := range []Span{linked, inner, root} {
			s.End("failed")
		}
		if Text(ctx) != "" || root.Traced() || Wanted(ctx) {
			panic("it is traced")
		}
	}))
}

func TestATraceIsAskedForOnceAtItsBeginning(t *testing.T) {
	recorder := recordSpans(t, 0)
	ctx, root := Root(From(t.Context(), foreign), Server, "root")
	require.False(t, root.Traced(), "a foreign trace cannot have us trace")
	_, inner := Start(ctx, Client, "inner", "")
	require.False(t, inner.Traced() && Wanted(ctx))
	require.Empty(t, recorder.Started())
}

func TestASpanSaysWhereItBelongs(t *testing.T) {
	recorder := recordSpans(t, 1)
	ctx, root := Root(From(t.Context(), foreign), Server, "root")
	elsewhere := From(t.Context(), Text(ctx)) // another process
	_, inner := Start(elsewhere, Client, "in", "ner")
	inner.Set("said", "this")
	inner.Set("unsaid", "")
	inner.End("unavailable")
	root.End("")

	ended := recorder.Ended()
	require.Len(t, ended, 2)
	in, out := ended[0], ended[1]
	require.Equal(t, "inner", in.Name())
	require.Equal(t, out.SpanContext().SpanID(), in.Parent().SpanID())
	require.Equal(t, out.SpanContext().TraceID(), in.SpanContext().TraceID())
	require.Equal(t, "unavailable", in.Status().Description)
	require.Len(t, in.Attributes(), 2, "what was said, and the failure")
	require.False(t, out.Parent().IsValid())
	require.Equal(t, "b7ad6b7169203331", out.Links()[0].SpanContext.SpanID().String())

	require.Equal(t, t.Context(), From(t.Context(), ""))
	require.Empty(t, Text(From(t.Context(), "00-nonsense")))
}

func TestLinesOfALogNameTheirTrace(t *testing.T) {
	recordSpans(t, 1)
	var out bytes.Buffer
	log := slog.New(Logged(slog.NewTextHandler(&out, nil))).With("part", "api")
	log.InfoContext(t.Context(), "untraced")
	require.NotContains(t, out.String(), "trace_id")
	log.InfoContext(From(t.Context(), foreign), "traced")
	require.Contains(t, out.String(), "part=api trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331")
}
