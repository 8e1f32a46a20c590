package worker

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// signalling calls a function in place of signalling a payment.
type signalling struct {
	*workflows.Client
	call func()
}

func (s signalling) Signal(context.Context, string) error {
	s.call()
	return nil
}

// A redrive that is cancelled waits for the batch that is on its way: what it sends is known to have been sent.
func TestACancelledRedriveWaitsForItsBatch(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	sending, release := make(chan struct{}), make(chan struct{})
	w.Activities = activities.New(activities.Config{Database: w.Database, Publisher: w.Publisher, Workflows: signalling{w.Workflows, func() {
		close(sending)
		<-release
	}}})
	l := deadRun(t, w)
	stop := run(t, w)
	in := deadletter.Order{ID: deadletter.NewRedriveID("ana", "1"), Actor: "ana", Plan: deadletter.Plan{Filter: deadletter.Filter{IDs: []string{l.ID}}}}
	_, err := w.Workflows.Redrive(t.Context(), in)
	require.NoError(t, err)
	<-sending
	id := workflows.RedriveWorkflowID(in.ID)
	require.NoError(t, w.Temporal.CancelWorkflow(t.Context(), id, ""))
	eventually(t, func() bool {
		return w.happened(t, id, enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
	}, "the batch has to end")
	close(release)
	eventually(t, func() bool { return w.happened(t, id, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) }, "the redrive ends")

	redrives, err := w.Database.Redrives(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, deadletter.RedriveSent, redrives[0].Outcome)
	kept, err := w.Database.DeadLetter(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, deadletter.Redriven, kept.State)
	stop()
}

// A redrive that is terminated opens nothing again. The next one does, and sends what that had taken; while one runs its dead letters
// are its own.
func TestTheNextRedriveSendsWhatATerminatedOneHadTaken(t *testing.T) {
	t.Parallel()
	at, _ := newOwnEnv(t)
	w := openShop(t, at)
	sending, release := make(chan struct{}, 2), make(chan struct{})
	w.Activities = activities.New(activities.Config{
		Database: w.Database, Publisher: w.Publisher, Workflows: signalling{w.Workflows, func() {
			sending <- struct{}{}
			<-release
		}},
	})
	l := deadRun(t, w)
	stop := run(t, w)
	redrive := func(key string, dryRun bool) deadletter.Order {
		in := deadletter.Order{ID: deadletter.NewRedriveID("ana", key), Actor: "ana", Plan: deadletter.Plan{DryRun: dryRun}}
		_, err := w.Workflows.Redrive(t.Context(), in)
		require.NoError(t, err)
		return in
	}
	ended := func(in deadletter.Order) (progress workflows.RedriveProgress) {
		eventually(t, func() (over bool) {
			var err error
			progress, err = w.Workflows.RedriveProgress(t.Context(), in.ID)
			return err == nil && progress.State.Over()
		}, "the redrive ends")
		return progress
	}
	sends := func() bool { return len(sending) > 0 }
	first := redrive("1", false)
	eventually(t, sends, "the first sends")
	<-sending
	conn, err := pgx.Connect(t.Context(), at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), `update redrives set at = at - interval '2 minutes'`)
	require.NoError(t, err)
	require.Zero(t, ended(redrive("2", true)).Matching, "the first has it")

	require.NoError(t, w.Temporal.TerminateWorkflow(t.Context(), workflows.RedriveWorkflowID(first.ID), "", "stuck"))
	progress := ended(first)
	require.Equal(t, []any{workflows.RedriveFailed, "terminated by an operator"}, []any{progress.State, progress.Note})
	next := redrive("3", false)
	eventually(t, sends, "the next sends")
	close(release)
	require.Equal(t, deadletter.Progress{Taken: 1, Sent: 1}, ended(next).Standing)

	outcomes := map[string]deadletter.RedriveOutcome{}
	redrives, err := w.Database.Redrives(t.Context(), l.ID)
	require.NoError(t, err)
	for _, r := range redrives {
		outcomes[r.RedriveID] = r.Outcome
	}
	require.Equal(t, map[string]deadletter.RedriveOutcome{first.ID: deadletter.RedriveFailed, next.ID: deadletter.RedriveSent}, outcomes)
	kept, err := w.Database.DeadLetter(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, deadletter.Redriven, kept.State)
	stop()
}

// deadRun is the dead letter of a payment's workflow.
func deadRun(t *testing.T, w *Worker) deadletter.Message {
	t.Helper()
	p := open(t, w, payment.NewID("shop", "dead"))
	l := deadletter.Message{
		ID: deadletter.NewID(p.ID, ""), Source: deadletter.FromWorkflow, Cause: deadletter.CauseInternal, Error: "no", PaymentID: p.ID,
		Deaths: 1, DiedAt: time.Now(),
	}
	_, err := w.Database.KeepDeadLetters(t.Context(), []deadletter.Message{l})
	require.NoError(t, err)
	return l
}

// happened says whether a workflow's history has an event of this type.
func (w *Worker) happened(t *testing.T, id string, event enums.EventType) bool {
	t.Helper()
	history := w.Temporal.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(t, err)
		if e.GetEventType() == event {
			return true
		}
	}
	return false
}
