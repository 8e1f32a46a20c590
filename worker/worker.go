// Package worker runs the workflows and activities, and hands what the queues bring to the workflows' client. Its rule: a handler says
// what went wrong, and only the queue's consumer decides from that whether a message is acknowledged, retried or dead-lettered. No
// message is dead-lettered because a dependency is unavailable.
package worker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/internal/relay"
	"github.com/onlywave/onlywave/workflows"
)

const (
	// drainTurn is how long activities in hand may take to finish at the end, three times: Temporal's worker ends its
	// workflows, their local activities and its other activities one after the other, and gives each so long.
	drainTurn     = 8 * time.Second
	drainTime     = 3 * drainTurn
	temporalPause = time.Second // at least, before Temporal is tried again

	providerConcurrency = 64
)

// EndTime is the most that Run takes to return when it has to stop.
const EndTime = rabbitmq.EndTime + drainTime + relay.EndTime

// Worker is everything one worker process does.
type Worker struct {
	Temporal   client.Client
	Workflows  *workflows.Client
	Activities *activities.Activities
	Database   *postgres.Store
	Broker     []string            // addresses, one of which is used
	Publisher  *rabbitmq.Publisher // takes what was spooled
	Relay      *relay.Relay        // publishes what has happened to payments
	RetryDelay time.Duration       // before a webhook that is at fault itself is tried again for the first time
	Cache      *cache.Payments     // copies of what was written just now; nil: none
	Log        *slog.Logger
	Metrics    *Metrics // nil: none
	Versioning Versioning

	AuthenticOnly bool // refuse runs that OnlyWave has not started: in live

	ProviderConcurrency int // activities that wait for the provider at one time; 0: 64

	Breakers *breaker.Fleet // whose states are sampled; nil: none

	Provider     *mercadopago.Client // its account is checked before anything else
	accountEvery time.Duration       // between two such checks; 0: accountEvery

	identifying atomic.Int32 // webhooks that the provider is being asked about
	coalescer   coalescer    // webhooks in hand

	mu        sync.Mutex
	consumers []*rabbitmq.Consumer // that run
}

// Run works until ctx ends, then takes nothing new and finishes what is in hand: first what came from
// the queues, then activities, then the events about them. It starts and goes on while dependencies are unavailable; its error says what was left unfinished, or, of kind Conflict, that the access token is not our
// account's.
func (w *Worker) Run(ctx context.Context) error {
	checked, err := w.checkAccount(ctx)
	if err != nil {
		return err
	}
	relaying, stopRelay := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRelay()
	var relays errgroup.Group
	relays.Go(func() error { return w.Relay.Run(relaying) })
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers errgroup.Group
	workers.Go(func() error { return w.runTemporal(working, w.temporalWorker) })
	workers.Go(func() error { return w.runTemporal(working, w.providerWorker) })
	workers.Go(func() error { return w.runVersioning(working) })

	intake, ctx := errgroup.WithContext(ctx)
	intake.Go(func() error { return w.runWebhooks(ctx) })
	intake.Go(func() error { return w.runArchive(ctx) })
	intake.Go(func() error { return w.runDeadLetters(ctx) })
	intake.Go(func() error { return w.runSpool(ctx) })
	intake.Go(func() error { return w.runSamples(ctx) })
	if !checked {
		intake.Go(func() error { return w.runAccount(ctx) })
	}
	err = intake.Wait()
	w.Log.Info("queues finished")
	stop()
	err = errors.Join(err, workers.Wait())
	stopRelay()
	return errors.Join(err, relays.Wait())
}

// Ready returns nil while every queue delivers to this worker; else it says which does not, and why.
func (w *Worker) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.consumers {
		if err := c.Ready(); err != nil {
			return err
		}
	}
	return nil
}

// consumer makes one of a queue.
func (w *Worker) consumer(queue string, prefetch int) *rabbitmq.Consumer {
	c := rabbitmq.NewConsumer(w.Broker, queue, prefetch, w.Log)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.consumers = append(w.consumers, c)
	return c
}

// runTemporal begins anew whenever the Temporal worker does not start or gives up: that one takes a
// Temporal that is unavailable at its start, or a namespace that is missing for a moment, for the end.
func (w *Worker) runTemporal(ctx context.Context, made func() worker.Worker) error {
	stop := make(chan any)
	defer context.AfterFunc(ctx, func() { close(stop) })()
	for {
		err := made().Run(stop)
		if ctx.Err() != nil {
			return nil
		}
		w.Log.Warn("temporal worker not running", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(temporalPause + rand.N(temporalPause)): // not all workers at once
		}
	}
}

// interceptors are those of workflows and activities.
func (w *Worker) interceptors() []interceptor.WorkerInterceptor {
	all := []interceptor.WorkerInterceptor{&activityLog{log: w.Log, metrics: w.Metrics}}
	if w.AuthenticOnly {
		all = append(all, &workflows.AuthenticOnly{})
	}
	return all
}

// temporalWorker runs the workflows and all activities. It is good for one start. The provider's activities come to it as quick tries
// only, and from runs that an older version of the program has scheduled.
func (w *Worker) temporalWorker() worker.Worker {
	t := worker.New(w.Temporal, workflows.TaskQueue, worker.Options{
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		WorkerStopTimeout:          drainTurn,
		DeploymentOptions:          w.Versioning.options(),
		Interceptors:               w.interceptors(),
	})
	workflows.Register(t, w.Versioning.Manual)
	t.RegisterActivity(w.Activities)
	return t
}

// providerWorker runs the activities that wait for the provider, a bounded number at one time. It is good for one start.
func (w *Worker) providerWorker() worker.Worker {
	limit := cmp.Or(w.ProviderConcurrency, providerConcurrency)
	t := worker.New(w.Temporal, workflows.ProviderTaskQueue, worker.Options{
		DisableWorkflowWorker:              true,
		MaxConcurrentActivityExecutionSize: limit,
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
			InitialNumberOfPollers: min(2, limit), MaximumNumberOfPollers: min(16, limit),
		}),
		WorkerStopTimeout: drainTime, // it has activities only
		DeploymentOptions: w.Versioning.options(),
		Interceptors:      w.interceptors(),
	})
	t.RegisterActivity(w.Activities.Charge)
	t.RegisterActivity(w.Activities.Look)
	t.RegisterActivity(w.Activities.Capture)
	t.RegisterActivity(w.Activities.Close)
	t.RegisterActivity(w.Activities.Refund)
	t.RegisterActivity(w.Activities.Sweep)
	t.RegisterActivity(w.Activities.KeepDisputes)
	t.RegisterActivity(w.Activities.MakeCheckout)
	t.RegisterActivity(w.Activities.AttachAttempts)
	t.RegisterActivity(w.Activities.CloseCheckout)
	return t
}
