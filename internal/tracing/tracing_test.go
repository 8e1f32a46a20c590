package tracing

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/tracesink"
)

// Tests here do not run side by side: whether a process traces holds for all of it.
func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Temporal) }

const foreign = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// recordSpans traces such a part of what begins here, until the test's end.
func recordSpans(t *testing.T, ratio float64) *tracetest.SpanRecorder {
	recorder := tracetest.NewSpanRecorder()
	stop := use(sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(ratio)))))
	t.Cleanup(func() { require.NoError(t, stop(context.WithoutCancel(t.Context()))) })
	return recorder
}

func TestWhatIsNotTracedCostsNothing(t *testing.T) {
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		ctx, root := Root(From(ctx, foreign), Server, "root")
		ctx, inner := Start(ctx, Client, "in", "ner")
		ctx, activity := Activity(ctx, "activity")
		inner.Set("name", "value")
		activity.SetInt("number", 1)
		for _, s := range []Span{activity, inner, root} {
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

func TestTheLastSpansOfAProcessAreDelivered(t *testing.T) {
	sink := tracesink.New()
	collector := httptest.NewServer(sink)
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=named-by-the-environment")
	stop, err := Export(t.Context(), Target{Endpoint: collector.URL + "/", Ratio: 1, Service: "onlywave-api", Instance: "1"}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.True(t, On())
	_, s := Root(t.Context(), Server, "the last")
	s.End("")
	stop()
	require.False(t, On())
	all := sink.Traces()
	require.Len(t, all, 1)
	require.Equal(t, "the last", all[0].Root().Name)
	require.Equal(t, "server", all[0].Root().Kind)
	require.Equal(t, "named-by-the-environment", all[0].Root().Service)
}

// Headers hold tokens: a mistyped one is reported, and not shown.
func TestWhatTheExporterCannotReadIsNotShown(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hunter2,Authorization=Bearer%20hunter2%zz")
	var out bytes.Buffer
	stop, err := Export(t.Context(), Target{Endpoint: "http://127.0.0.1:1", Ratio: 1, Service: "onlywave-api"}, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	stop()
	require.Equal(t, 2, strings.Count(out.String(), "msg=traces"), out.String())
	require.Contains(t, out.String(), "parse headers")
	require.NotContains(t, out.String(), "hunter2")
}

// A collector that hangs costs the process's end a moment, and the log says what was lost.
func TestACollectorThatHangsIsNotWaitedFor(t *testing.T) {
	silent := httptest.NewServer(nil)
	address := silent.URL
	silent.Close()
	var out bytes.Buffer
	stop, err := Export(t.Context(), Target{Endpoint: address, Ratio: 1, Service: "onlywave-api"}, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	_, s := Root(t.Context(), Server, "lost")
	s.End("")
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 10*flushTime)
	require.Contains(t, out.String(), "msg=traces")

	off, err := Export(t.Context(), Target{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.False(t, On())
	off()
}
