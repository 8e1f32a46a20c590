package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// A redrive that is cancelled waits for the batch that is on its way: what it sends is known to have been sent.
func TestACancelledRedriveWaitsForItsBatch(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	sending, release := make(chan struct{}), make(chan struct{})
	w.Activities = activities.New(activities.Config{Record: w.Record, Events: w.Publisher, Notify: func(context.Context, string) error {
		close(sending)
		<-release
		return nil
	}})
	p := open(t, w, payment.NewID("shop", "dead"))
	l := payment.DeadLetter{
		ID: payment.NewDeadLetterID(p.ID, ""), Source: payment.FromWorkflow, Cause: payment.CauseInternal, Error: "no", PaymentID: p.ID,
		Deaths: 1, DiedAt: time.Now(),
	}
	_, err := w.Record.KeepDeadLetters(t.Context(), []payment.DeadLetter{l})
	require.NoError(t, err)
	stop := run(t, w)
	in := workflows.RedriveInput{ID: payment.NewRedriveID("ana", "1"), Actor: "ana", Filter: payment.LetterFilter{IDs: []string{l.ID}}}
	_, err = w.Workflows.Redrive(t.Context(), in)
	require.NoError(t, err)
	<-sending
	id := workflows.RedriveWorkflowID(in.ID)
	require.NoError(t, w.Temporal.CancelWorkflow(t.Context(), id, ""))
	eventually(t, func() bool {
		return w.happened(t, id, enums.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
	}, "the batch is told to end")
	close(release)
	eventually(t, func() bool { return w.happened(t, id, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) }, "the redrive ends")

	redrives, err := w.Record.Redrives(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, payment.RedriveSent, redrives[0].Outcome)
	kept, err := w.Record.DeadLetter(t.Context(), l.ID)
	require.NoError(t, err)
	require.Equal(t, payment.LetterRedriven, kept.State)
	stop()
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
