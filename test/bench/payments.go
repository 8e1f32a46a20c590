package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const (
	starters     = 32          // concurrent callers when throughput is measured
	longestLife  = time.Minute // of one payment, from POST to approved
	bareQueue    = "bare"
	latencyCalls = 100 // payments for each measurement of latency
)

// bought is one payment's timing from POST to approved.
type bought struct {
	paymentID string
	post      time.Duration // until the POST was answered with the QR code
	approve   time.Duration // from the buyer's payment, before the webhook is sent, until approved
}

var orders atomic.Int64

// buy creates a payment, pays it as the buyer would, and waits until it is approved.
func (b *bench) buy(ctx context.Context) (bought, error) {
	began := time.Now()
	p, err := b.platform.Shops[0].Create(ctx, fmt.Sprintf("bench-%d-%d", began.UnixNano(), orders.Add(1)), 1050)
	if err != nil {
		return bought{}, err
	}
	posted := time.Now()
	if p.Status != "pending" {
		return bought{}, fmt.Errorf("payment %s is %s after its POST", p.ID, p.Status)
	}
	if err := b.platform.Provider.Pay(ctx, p.Provider.PaymentID); err != nil {
		return bought{}, err
	}
	at, err := b.approved.await(ctx, p.ID)
	return bought{paymentID: p.ID, post: posted.Sub(began), approve: at.Sub(posted)}, err
}

// latency measures with one caller and with sixteen.
func (b *bench) latency(ctx context.Context, table *results) error {
	for _, callers := range []int{1, 16} {
		var mu sync.Mutex
		var posts, approvals []time.Duration
		var left atomic.Int64
		left.Store(latencyCalls)
		err := sideBySide(callers, func() error {
			for left.Add(-1) >= 0 {
				life, cancel := context.WithTimeout(ctx, longestLife)
				one, err := b.buy(life)
				cancel()
				if err != nil {
					return err
				}
				mu.Lock()
				posts, approvals = append(posts, one.post), append(approvals, one.approve)
				mu.Unlock()
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, measured := range []struct {
			name   string
			values []time.Duration
		}{{"POST answered with the QR code", posts}, {"buyer pays → webhook → approved", approvals}} {
			p50, p99 := percentile(measured.values, 50), percentile(measured.values, 99)
			table.row(fmt.Sprintf("(c) %s, %d at a time", measured.name, callers),
				fmt.Sprintf("p50 %s, p99 %s", p50.Round(time.Millisecond), p99.Round(time.Millisecond)), "", "")
			fmt.Fprintf(b.Out, "  %2d at a time  %-34s p50 %-6s p99 %s\n", callers, measured.name, p50.Round(time.Millisecond), p99.Round(time.Millisecond))
		}
	}
	return nil
}

// payments measures whole payments against workflows of one activity that does nothing.
func (b *bench) payments(ctx context.Context, table *results) error {
	temporal, err := b.dialTemporal()
	if err != nil {
		return err
	}
	defer temporal.Close()
	bare := worker.New(temporal, bareQueue, worker.Options{ // as in the platform's worker
		WorkflowTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
		ActivityTaskPollerBehavior: worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 8}),
	})
	bare.RegisterWorkflow(bareWorkflow)
	bare.RegisterActivity(bareActivity)
	if err := bare.Start(); err != nil {
		return fmt.Errorf("start the bare worker: %w", err)
	}
	defer bare.Stop()

	// What was begun within the round is finished after it, and counted.
	load := func(one func(context.Context) error) func(context.Context) (int, error) {
		return func(round context.Context) (int, error) {
			var done atomic.Int64
			err := sideBySide(starters, func() error {
				for round.Err() == nil {
					life, cancel := context.WithTimeout(ctx, longestLife)
					err := one(life)
					cancel()
					if err != nil {
						return err
					}
					done.Add(1)
				}
				return nil
			})
			return int(done.Load()), err
		}
	}
	measured, err := b.inTurns(ctx,
		load(func(ctx context.Context) error { _, err := b.buy(ctx); return err }),
		load(func(ctx context.Context) error {
			run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: bareQueue}, bareWorkflow)
			if err != nil {
				return err
			}
			return run.Get(ctx, nil)
		}))
	if err != nil {
		return err
	}
	table.ratio("(b) Pix payments, POST to approved, against workflows of one empty activity", measured, 0.5)
	return nil
}

// dialTemporal connects as the platform does.
func (b *bench) dialTemporal() (client.Client, error) {
	temporal, err := client.Dial(client.Options{
		HostPort: b.platform.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(quiet),
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	return temporal, nil
}

func bareWorkflow(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	return workflow.ExecuteActivity(ctx, bareActivity).Get(ctx, nil)
}

func bareActivity(context.Context) error { return nil }

// life counts what one payment's life costs Temporal.
func (b *bench) life(ctx context.Context, table *results) error {
	temporal, err := b.dialTemporal()
	if err != nil {
		return err
	}
	defer temporal.Close()
	one, err := b.buy(ctx)
	if err != nil {
		return err
	}
	id := "payment/" + one.paymentID
	if err := temporal.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return fmt.Errorf("wait for the run's end: %w", err)
	}
	described, err := temporal.DescribeWorkflow(ctx, id, "")
	if err != nil {
		return err
	}
	info := described.RawResponse.GetWorkflowExecutionInfo()
	table.row("one Pix payment's life", fmt.Sprintf("%d state transitions, %d history events", info.GetStateTransitionCount(), info.GetHistoryLength()),
		"16 transitions", "")
	fmt.Fprintf(b.Out, "  %d state transitions, %d history events\n", info.GetStateTransitionCount(), info.GetHistoryLength())

	events := temporal.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	table.note("Where the transitions go: %s", transitions(events))
	return nil
}

// transitions counts the state transitions in the history: one for the start; two for each workflow task, its start and its end; two for
// each activity, which also causes a workflow task; and one for each signal, which also causes a workflow task.
func transitions(events client.HistoryEventIterator) string {
	var starts, tasks, activities, signals int
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err.Error()
		}
		switch event.GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
			starts++
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
			tasks++
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			activities++
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			signals++
		}
	}
	return fmt.Sprintf("%d for the start, %d for %d workflow tasks, %d for %d activities, %d for %d signals: %d in all.",
		starts, 2*tasks, tasks, 2*activities, activities, signals, signals, starts+2*tasks+2*activities+signals)
}

// sideBySide runs n copies and returns the first error.
func sideBySide(n int, one func() error) error {
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		wg.Go(func() {
			if err := one(); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
