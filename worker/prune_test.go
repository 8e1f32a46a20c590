package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
	"github.com/onlywave/onlywave/workflows"
)

// Not parallel: there is one schedule, and any worker may be given its runs.
func TestTheSchedulePrunesAndMayBeKeptTwice(t *testing.T) {
	at, _ := newEnv(t)
	w, _ := newWorker(t, at)
	old := time.Now().UTC().AddDate(-2, 0, 0)
	_, err := w.Database.MakePartitions(t.Context(), old, old.AddDate(0, 1, 0))
	require.NoError(t, err)
	require.NoError(t, w.Database.Archive(t.Context(), []postgres.Notification{
		{ID: "old", Whole: []byte(`{}`), ReceivedAt: old}, {ID: "new", Whole: []byte(`{}`), ReceivedAt: time.Now().UTC()},
	}))
	stop := run(t, w)

	schedule := w.Temporal.ScheduleClient().GetHandle(t.Context(), workflows.SchedulePrune)
	t.Cleanup(func() { require.NoError(t, schedule.Delete(context.Background())) })
	for _, days := range []int{0, 400} {
		require.NoError(t, workflows.KeepPruning(t.Context(), w.Temporal, payment.Retention{Notifications: time.Duration(days) * 24 * time.Hour}))
		require.NoError(t, schedule.Trigger(t.Context(), client.ScheduleTriggerOptions{}))
		ran := func() (results []payment.Pruned) {
			is, err := schedule.Describe(t.Context())
			require.NoError(t, err)
			for _, a := range is.Info.RecentActions {
				var pruned payment.Pruned
				run := a.StartWorkflowResult
				require.NoError(t, w.Temporal.GetWorkflow(t.Context(), run.WorkflowID, run.FirstExecutionRunID).Get(t.Context(), &pruned))
				results = append(results, pruned)
			}
			return results
		}
		want := []payment.Pruned{{}}
		if days > 0 {
			want = append(want, payment.Pruned{Partitions: 2})
		}
		eventually(t, func() bool { return len(ran()) == len(want) }, "a run out of turn")
		require.Equal(t, want, ran(), "nothing without a retention")
	}
	require.Equal(t, 1, count(t, at, "webhook_notifications"))
	stop()
}
