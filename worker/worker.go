// Package worker is work coming in: it runs the workflows and activities, and hands what the queues
// bring to the workflows' front door. Its rule: a handler says what went wrong, and only the queue's
// consumer decides from that whether a message is done, waits or is dead; a message is never given up
// for the world's fault.
package worker

import (
	"context"
	"fmt"
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

// drainTime is how long activities in hand may take to finish at the end.
const drainTime = 15 * time.Second

// Worker is everything one worker process does.
type Worker struct {
	Temporal   client.Client
	Workflows  *workflows.Client
	Activities *activities.Activities
	Record     *postgres.Store
	Broker     []string            // addresses, one of which is used
	Publisher  *rabbitmq.Publisher // takes what was spooled
	Log        *slog.Logger
}

// Run works until ctx ends, then takes nothing new and finishes what is in hand. It starts and goes
// on while dependencies are away, and uses them as they come back; its error says that a part of the
// worker could not start at all.
func (w *Worker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.runTemporal(ctx) })
	group.Go(func() error { return w.runWebhooks(ctx) })
	group.Go(func() error { return w.runArchive(ctx) })
	group.Go(func() error { return w.runSpool(ctx) })
	return group.Wait()
}

func (w *Worker) runTemporal(ctx context.Context) error {
	t := worker.New(w.Temporal, workflows.TaskQueue, worker.Options{
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		WorkerStopTimeout:          drainTime,
		Interceptors:               []interceptor.WorkerInterceptor{&activityLog{log: w.Log}},
	})
	t.RegisterWorkflow(workflows.Payment)
	t.RegisterActivity(w.Activities)
	if err := t.Start(); err != nil {
		return fmt.Errorf("start the Temporal worker: %w", err)
	}
	<-ctx.Done()
	t.Stop()
	return nil
}
