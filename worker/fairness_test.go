package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// While the provider does not answer, the charges of one client app pile up in the queue of the provider's activities. The charge of
// another that comes last is made among the first.
func TestAFloodOfOneClientAppDoesNotDelayAnothers(t *testing.T) {
	t.Parallel()
	const flood = 40
	at, provider := newOwnEnv(t)
	charging := at
	at.provider = unavailable.provider // the quick try of each charge fails, so that it goes to the queue
	w, _ := newWorker(t, at)
	for _, name := range []string{"flood", "single"} {
		_, err := w.Database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: name, Scopes: access.Scopes()}, time.Now())
		require.NoError(t, err)
	}
	eventually(t, func() bool { return workflows.AddSearchAttributes(t.Context(), w.Temporal, at.namespace) == nil }, "Temporal")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 2)
	go func() { ended <- w.runTemporal(ctx, w.temporalWorker) }()

	order := func(clientID, key string) (id string, err error) {
		in := wish(key)
		in.ClientID, in.PaymentID = clientID, payment.NewID(clientID, key)
		for {
			_, err = w.Workflows.Create(t.Context(), in)
			if failure.KindOf(err) != failure.Unavailable || t.Context().Err() != nil { // a busy machine's Temporal may ask to repeat it
				return in.PaymentID, err
			}
		}
	}
	var group errgroup.Group
	for i := range flood {
		group.Go(func() error {
			_, err := order("flood", fmt.Sprint(i))
			return err
		})
	}
	require.NoError(t, group.Wait())
	eventually(t, func() bool { return backlog(t, at, w.Temporal) == flood }, "the flood waits in the queue")
	last, err := order("single", "single")
	require.NoError(t, err)
	eventually(t, func() bool { return backlog(t, at, w.Temporal) == flood+1 }, "all of them wait in the queue")

	serving, _ := newWorker(t, charging)
	serving.ProviderConcurrency = 1
	go func() { ended <- serving.runTemporal(ctx, serving.providerWorker) }()
	eventually(t, func() bool { return len(provider.Ledger()) == flood+1 }, "all are charged")
	place := 0
	for i, entry := range provider.Ledger() {
		if entry.ExternalReference == last {
			place = i + 1
		}
	}
	require.NotZero(t, place)
	require.LessOrEqual(t, place, 5, "of %d", flood+1)
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
}

// backlog is how many tasks wait in the queue of the provider's activities.
func backlog(t *testing.T, at env, c client.Client) int64 {
	t.Helper()
	queue, err := c.WorkflowService().DescribeTaskQueue(t.Context(), &workflowservice.DescribeTaskQueueRequest{
		Namespace: at.namespace, TaskQueue: &taskqueue.TaskQueue{Name: workflows.ProviderTaskQueue}, TaskQueueType: enums.TASK_QUEUE_TYPE_ACTIVITY, ReportStats: true,
	})
	require.NoError(t, err)
	return queue.GetStats().GetApproximateBacklogCount()
}
