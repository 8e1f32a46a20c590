// Package worker is work coming in: it runs the workflows and activities, and hands what the queues
// bring to the workflows' front door. Its rule: a handler says what went wrong, and only the queue's
// consumer decides from that whether a message is done, waits, is tried again or is dead; a message is
// never given up for the world's fault.
package worker

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/workflows"
)

const (
	drainTime     = 15 * time.Second // how long activities in hand may take to finish at the end
	temporalPause = time.Second      // before Temporal is tried again
)

// Worker is everything one worker process does.
type Worker struct {
	Temporal   client.Client
	Workflows  *workflows.Client
	Activities *activities.Activities
	Record     *postgres.Store
	Broker     []string            // addresses, one of which is used
	Publisher  *rabbitmq.Publisher // takes what was spooled
	RetryDelay time.Duration       // before a webhook that is at fault itself is tried again for the first time
	Log        *slog.Logger
}

// Run works until ctx ends, then takes nothing new and finishes what is in hand. It starts and goes
// on while dependencies are away, and uses them as they come back; its error says what was left
// unfinished.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.runTemporal(ctx) })
	group.Go(func() error { return w.runWebhooks(ctx) })
	group.Go(func() error { return w.runArchive(ctx) })
	group.Go(func() error { return w.runSpool(ctx) })
	return group.Wait()
}

// runTemporal begins anew whenever the Temporal worker does not start or gives up: that one takes a
// Temporal that is away at its start, or a namespace that is missing for a moment, for the end.
func (w *Worker) runTemporal(ctx context.Context) error {
	stop := make(chan any)
	defer context.AfterFunc(ctx, func() { close(stop) })()
	for {
		err := w.temporalWorker().Run(stop)
		if ctx.Err() != nil {
			return nil
		}
		w.Log.Warn("temporal worker not running", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(temporalPause):
		}
	}
}

// temporalWorker is good for one start.
func (w *Worker) temporalWorker() worker.Worker {
	t := worker.New(w.Temporal, workflows.TaskQueue, worker.Options{
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		WorkerStopTimeout:          drainTime,
		Interceptors:               []interceptor.WorkerInterceptor{&activityLog{log: w.Log}},
	})
	t.RegisterWorkflow(workflows.Payment)
	t.RegisterActivity(w.Activities)
	return t
}
