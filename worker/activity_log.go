package worker

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/tracing/temporaltracing"
	"github.com/onlywave/onlywave/workflows"
)

// activityLog writes one line for each run of an activity, local or not, and measures it. Without it a local activity that
// fails and is repeated would be seen nowhere. What is traced gets a span.
type activityLog struct {
	interceptor.WorkerInterceptorBase
	log     *slog.Logger
	metrics *Metrics
}

func (a *activityLog) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	logged := &loggedActivity{log: a.log, metrics: a.metrics}
	logged.Next = next
	return logged
}

type loggedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	log     *slog.Logger
	metrics *Metrics
}

func (l *loggedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	began, info := time.Now(), activity.GetInfo(ctx)
	ctx, s := temporaltracing.Activity(ctx, info.ActivityType.Name)
	s.Set("temporal.workflow_id", info.WorkflowExecution.ID)
	s.Set("temporal.run_id", info.WorkflowExecution.RunID)
	s.SetInt("temporal.attempt", int(info.Attempt))
	failure := string(failure.Internal) // a panic passes through here
	defer func() { s.End(failure) }()
	result, err := l.Next.ExecuteActivity(ctx, in)
	attrs := []slog.Attr{
		slog.String("activity", info.ActivityType.Name), slog.String("workflow_id", info.WorkflowExecution.ID),
		slog.Int("attempt", int(info.Attempt)), slog.Duration("duration", time.Since(began)),
	}
	level, outcome := slog.LevelDebug, "ok"
	if failure = ""; err != nil {
		kind := workflows.KindOf(err)
		level, outcome, failure = levelOf(kind), string(kind), string(kind)
		attrs = append(attrs, slog.String("kind", string(kind)), slog.String("error", err.Error()))
	}
	l.metrics.activityDone(info.ActivityType.Name, outcome, time.Since(began))
	l.log.LogAttrs(ctx, level, "activity", attrs...)
	return result, err
}

// levelOf is how loud a failure is: an outage is expected and repeated, the rest needs a person.
func levelOf(kind failure.Kind) slog.Level {
	switch kind {
	case failure.Unavailable, failure.Limited, failure.NotFound:
		return slog.LevelInfo
	case failure.Invalid, failure.Conflict:
		return slog.LevelWarn
	}
	return slog.LevelError
}
