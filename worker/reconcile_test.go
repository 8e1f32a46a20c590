package worker

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/rabbitmq"
	"github.com/onlywave/onlywave/workflows"
)

// finished lists the runs that have seen their whole window.
func finished(t *testing.T, w *Worker) int {
	runs, err := w.Database.Reconciliations(t.Context(), 100)
	require.NoError(t, err)
	n := 0
	for _, r := range runs {
		if !r.FinishedAt.IsZero() {
			n++
		}
	}
	return n
}

// forget removes the schedules, for later tests, and ends what they have begun.
func forget(t *testing.T, c client.Client) {
	t.Cleanup(func() {
		for _, id := range []string{workflows.ScheduleReconcile, workflows.ScheduleSignalQuiet, workflows.ScheduleReopenStranded, workflows.ScheduleAlertFindings, workflows.ScheduleSettleMoney, workflows.ScheduleWatchDisputes} {
			require.NoError(t, c.ScheduleClient().GetHandle(context.Background(), id).Delete(context.Background()))
		}
		running, err := c.ListWorkflow(context.Background(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: `WorkflowType in ("Reconcile", "SignalQuiet", "ReopenStranded", "AlertFindings", "SettleMoney", "WatchDisputes") and ExecutionStatus = "Running"`,
		})
		require.NoError(t, err)
		for _, e := range running.GetExecutions() {
			_ = c.TerminateWorkflow(context.Background(), e.GetExecution().GetWorkflowId(), e.GetExecution().GetRunId(), "not for later tests")
		}
	})
}

// Not parallel: there is one schedule, and any worker may be given its runs.
func TestTheScheduleReconcilesAndMayBeKeptTwice(t *testing.T) {
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	stop := run(t, w)
	require.Error(t, workflows.ReconcileNow(t.Context(), w.Temporal), "there is no schedule yet")

	require.NoError(t, workflows.KeepReconciling(t.Context(), w.Temporal, 24*time.Hour, time.Minute))
	forget(t, w.Temporal)
	require.NoError(t, workflows.ReconcileNow(t.Context(), w.Temporal))
	eventually(t, func() bool { return finished(t, w) == 1 }, "a run out of turn")

	schedule := w.Temporal.ScheduleClient().GetHandle(t.Context(), workflows.ScheduleReconcile)
	require.NoError(t, schedule.Pause(t.Context(), client.SchedulePauseOptions{Note: "maintenance"}))
	require.NoError(t, workflows.KeepReconciling(t.Context(), w.Temporal, time.Second, 2*time.Minute))
	is, err := schedule.Describe(t.Context())
	require.NoError(t, err)
	require.True(t, is.Schedule.State.Paused, "what an operator has stopped stays so")
	require.Equal(t, time.Second, is.Schedule.Spec.Intervals[0].Every)
	require.Equal(t, enums.SCHEDULE_OVERLAP_POLICY_SKIP, is.Schedule.Policy.Overlap)

	require.NoError(t, schedule.Unpause(t.Context(), client.ScheduleUnpauseOptions{}))
	eventually(t, func() bool { return finished(t, w) >= 3 }, "runs by the schedule")
	runs, err := w.Database.Reconciliations(t.Context(), 100)
	require.NoError(t, err)
	first, last := runs[len(runs)-1], runs[0]
	require.InDelta(t, 48*time.Hour, first.To.Sub(first.From), float64(time.Second), "the first run looks far back")
	require.Less(t, last.To.Sub(last.From), 24*time.Hour, "and the others only so far as the last one ended")
	stop()
}

// Not parallel: it takes what is in the shared queues. A message is in hand and held up by the database when the worker has to end.
// Until it is finished the worker still takes activities of workflows. Payments of other tests would be read by it, and held up, too.
func TestAWorkerEndsItsQueuesBeforeItsActivities(t *testing.T) {
	at, _ := newOwnEnv(t)
	w, logged := newWorker(t, at)
	eventually(t, func() bool { return w.Publisher.Ready() == nil }, "the broker")
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(end)

	n := notification(t, "held up")
	n.Action = "payment.created" // which asks the database whether that is news
	open(t, w, n.PaymentID)
	_, err := w.Database.Park(t.Context(), n.PaymentID, "silence", time.Now())
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	lock, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `lock table payments in access exclusive mode`)
	require.NoError(t, err)
	require.NoError(t, w.Publisher.Publish(t.Context(), rabbitmq.ExchangeWebhooks, rabbitmq.Message{ID: n.ID, Key: "mercadopago.payment", Body: encode(t, n)}))
	eventually(t, func() bool { return reading(t, at) > 0 }, "the message is in hand")

	end()
	run, err := w.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "after-the-end", TaskQueue: workflows.TaskQueue},
		workflows.Reconcile, workflows.ReconcileInput{Grace: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = w.Temporal.TerminateWorkflow(context.Background(), run.GetID(), "", "not for later tests")
	})
	eventually(t, func() bool {
		runs, err := w.Database.Reconciliations(t.Context(), 1)
		return err == nil && len(runs) == 1
	}, "an activity runs after the end was asked for")
	require.False(t, logged.says("queues finished"))

	require.NoError(t, lock.Rollback(t.Context()))
	require.NoError(t, <-ended)
	require.True(t, logged.says("queues finished"))
	require.True(t, w.signalled(t, n.PaymentID), "what was in hand is done")
	require.NoError(t, w.Publisher.Ready(), "and the publisher is left for last")
}

// reading counts the reads of one payment that wait for a lock. The worker's other statements, such as those of its figures, may wait, too.
func reading(t *testing.T, at env) int {
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), `
select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like '%from payments where id = $1%'`).Scan(&n))
	return n
}
