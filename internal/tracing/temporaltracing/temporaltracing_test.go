package temporaltracing

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/tracing"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Tests here do not run side by side: whether a process traces holds for all of it.
func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Temporal) }

const (
	queue  = "traced"
	signal = "look"
	runs   = 2
)

func act(ctx context.Context, name string) error {
	_, s := Activity(ctx, name)
	s.End("")
	return nil
}

// waits makes a local activity, one after each of two signals, and the same again in a second run.
func waits(ctx workflow.Context, run int) error {
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	if err := workflow.ExecuteLocalActivity(local, act, "opened").Get(ctx, nil); err != nil {
		return err
	}
	remote := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range 2 {
		workflow.GetSignalChannel(ctx, signal).Receive(ctx, nil)
		if err := workflow.ExecuteActivity(remote, act, "looked").Get(ctx, nil); err != nil {
			return err
		}
		if err := workflow.ExecuteLocalActivity(local, act, "published").Get(ctx, nil); err != nil {
			return err
		}
	}
	if run < runs {
		return workflow.NewContinueAsNewError(ctx, waits, run+1)
	}
	return nil
}

func connect(t *testing.T) client.Client {
	c, err := client.Dial(client.Options{
		HostPort: devstacktest.Shared().TemporalAddress(), ContextPropagators: []workflow.ContextPropagator{Propagator{}},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(waits)
	w.RegisterActivity(act)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return c
}

// recordSpans traces all that begins here, until the test's end.
func recordSpans(t *testing.T) *tracetest.SpanRecorder {
	recorder := tracetest.NewSpanRecorder()
	t.Cleanup(tracing.Use(sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))))
	return recorder
}

func TestAnActivityThatIsNotTracedCostsNothing(t *testing.T) {
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_, s := Activity(ctx, "activity")
		s.End("failed")
	}))
}

// Every activity of a run is in the trace that started it, in its next run, too. An activity is linked with the signals that came
// before it, each once.
func TestActivitiesGoOnInTheTraceThatStartedTheirWorkflow(t *testing.T) {
	recorder := recordSpans(t)
	c := connect(t)
	ctx, start := tracing.Root(t.Context(), tracing.Server, "start")
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: t.Name(), TaskQueue: queue}, waits, 1)
	require.NoError(t, err)
	start.End("")
	var signals []string
	for i := range 2 * runs {
		require.Eventually(t, func() bool {
			done := recorder.Ended()
			return len(named(done, "RunActivity:opened")) == i/2+1 && len(named(done, "RunActivity:published")) == i
		}, time.Minute, 10*time.Millisecond)
		at, s := tracing.Root(t.Context(), tracing.Consumer, "signal")
		require.NoError(t, c.SignalWorkflow(at, t.Name(), "", signal, nil))
		s.End("")
		signals = append(signals, tracing.Text(at)[3:35])
	}
	require.NoError(t, run.Get(t.Context(), nil))

	began := named(recorder.Ended(), "start")[0].SpanContext()
	for _, name := range []string{"RunActivity:opened", "RunActivity:looked", "RunActivity:published"} {
		for _, s := range named(recorder.Ended(), name) {
			require.Equal(t, began.TraceID(), s.SpanContext().TraceID(), name)
			require.Equal(t, began.SpanID(), s.Parent().SpanID(), name)
			if name != "RunActivity:looked" {
				require.Empty(t, s.Links(), name)
			}
		}
	}
	looked := named(recorder.Ended(), "RunActivity:looked")
	require.Len(t, looked, 2*runs)
	for i, s := range looked {
		require.Len(t, s.Links(), 1)
		require.Equal(t, signals[i], s.Links()[0].SpanContext.TraceID().String())
	}
}

// A run that is not traced makes no spans, whatever signals it gets; and a header that cannot be read stops nothing.
func TestARunThatIsNotTracedStaysSo(t *testing.T) {
	recorder := recordSpans(t)
	c := connect(t)
	garbled, err := client.Dial(client.Options{
		HostPort: devstacktest.Shared().TemporalAddress(), ContextPropagators: []workflow.ContextPropagator{garbage{}},
	})
	require.NoError(t, err)
	t.Cleanup(garbled.Close)
	run, err := garbled.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: t.Name(), TaskQueue: queue}, waits, runs)
	require.NoError(t, err)
	for range 2 {
		at, s := tracing.Root(t.Context(), tracing.Consumer, "signal")
		require.NoError(t, c.SignalWorkflow(at, t.Name(), "", signal, nil))
		s.End("")
	}
	require.NoError(t, run.Get(t.Context(), nil))
	require.Len(t, recorder.Ended(), 2, "the signals' own")
}

// garbage writes what is no trace where one is looked for.
type garbage struct{ Propagator }

func (garbage) Inject(_ context.Context, to workflow.HeaderWriter) error {
	payload, err := converter.GetDefaultDataConverter().ToPayload(12)
	to.Set(header, payload)
	return err
}

func named(spans []sdk.ReadOnlySpan, name string) (all []sdk.ReadOnlySpan) {
	for _, s := range spans {
		if s.Name() == name {
			all = append(all, s)
		}
	}
	return all
}
