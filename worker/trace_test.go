package worker

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/tracing"
	"github.com/onlywave/onlywave/internal/tracing/temporaltracing"
	"github.com/onlywave/onlywave/test/tracesink/tracesinktest"
)

type carrier map[string]*common.Payload

func (c carrier) Set(name string, value *common.Payload) { c[name] = value }

// An activity or a message that panics is in the trace, and what it panics with is not.
func TestWhatPanicsIsInTheTrace(t *testing.T) {
	sink, stop := tracesinktest.Collect(t)
	ctx, root := tracing.Root(t.Context(), tracing.Server, "root")

	message := traced(func(context.Context, rabbitmq.Delivery) error { panic("secret") })
	require.Panics(t, func() { _ = message(ctx, rabbitmq.Delivery{}) })

	carried := carrier{}
	require.NoError(t, temporaltracing.Propagator{}.Inject(ctx, carried))
	var suite testsuite.WorkflowTestSuite
	suite.SetContextPropagators([]workflow.ContextPropagator{temporaltracing.Propagator{}})
	suite.SetHeader(&common.Header{Fields: carried})
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&activityLog{log: slog.New(slog.DiscardHandler)}}})
	env.RegisterActivityWithOptions(func(context.Context) error { panic("secret") }, activity.RegisterOptions{Name: "Activity"})
	_, err := env.ExecuteActivity("Activity")
	require.ErrorContains(t, err, "secret")

	root.End("")
	stop()
	failures := map[string]string{}
	for _, s := range sink.Traces()[0].Spans {
		failures[s.Name] = s.Failure
		for _, a := range s.Attributes {
			require.NotContains(t, a.Value, "secret")
		}
	}
	require.Equal(t, map[string]string{"root": "", "process " + rabbitmq.QueueProcess: "internal", "RunActivity:Activity": "internal"}, failures)
}
