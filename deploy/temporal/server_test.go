// Package temporal has the configuration of Temporal's server and Web UIs. Its one rule: it is tested on the real server and the real Web UI.
package temporal

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"sigs.k8s.io/yaml"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
)

// With this configuration a charge that arrives last goes before the waiting reads, and sweeps come last. Among those of one urgency, the
// one task of a client app does not wait until all of another's are done.
func TestTemporalHeedsPrioritiesAndServesClientAppsInTurn(t *testing.T) {
	t.Parallel()
	values := serverSettings(t)
	stack, err := devstack.Start(t.Context(), devstack.Options{Services: []devstack.Service{devstack.Temporal}, TemporalDynamicConfig: values})
	require.NoError(t, err)
	defer func() { require.NoError(t, stack.Stop()) }()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: stack.TemporalAddress(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	defer c.Close()

	const each = 21
	type task struct {
		Urgency payment.Urgency
		Client  string
	}
	waiting := []payment.Urgency{payment.ForSweep, payment.ForNews, payment.ForCharge} // the least urgent come first
	starter := worker.New(c, "workflows", worker.Options{})
	starter.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		var all []workflow.Future
		for _, u := range waiting {
			for n := range each {
				next := task{u, "crowd"}
				if n == each-1 {
					next.Client = "single"
				}
				all = append(all, workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
					TaskQueue: "activities", StartToCloseTimeout: time.Minute, Priority: temporal.Priority{PriorityKey: int(u), FairnessKey: next.Client},
				}), "note", next))
			}
		}
		for _, f := range all {
			if err := f.Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	}, workflow.RegisterOptions{Name: "crowd"})
	require.NoError(t, starter.Start())
	defer starter.Stop()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "workflows"}, "crowd")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // all of them wait
		d, err := c.DescribeWorkflow(t.Context(), run.GetID(), "")
		return err == nil && len(d.RawResponse.GetPendingActivities()) == each*len(waiting)
	}, time.Minute, 50*time.Millisecond)

	var mu sync.Mutex
	var done []task
	doer := worker.New(c, "activities", worker.Options{MaxConcurrentActivityExecutionSize: 1, DisableWorkflowWorker: true})
	doer.RegisterActivityWithOptions(func(_ context.Context, t task) error {
		mu.Lock()
		defer mu.Unlock()
		done = append(done, t)
		return nil
	}, activity.RegisterOptions{Name: "note"})
	require.NoError(t, doer.Start())
	defer doer.Stop()
	require.NoError(t, run.Get(t.Context(), nil))
	for i, u := range []payment.Urgency{payment.ForCharge, payment.ForNews, payment.ForSweep} {
		for n, got := range done[i*each : (i+1)*each] {
			if n > 2 { // a few are on their way before the others are known
				require.Equal(t, u, got.Urgency, "number %d of %v", i*each+n, done)
			}
		}
		require.Less(t, slices.Index(done, task{u, "single"}), i*each+6, "%v", done)
	}
}

// serverSettings is the file in the form of the development server's command: key to JSON.
func serverSettings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("server.yaml")
	require.NoError(t, err)
	var file map[string][]struct{ Value any }
	require.NoError(t, yaml.Unmarshal(text, &file))
	values := map[string]string{}
	for key, settings := range file {
		require.Len(t, settings, 1, key)
		value, err := json.Marshal(settings[0].Value)
		require.NoError(t, err)
		values[key] = string(value)
	}
	require.NotEmpty(t, values)
	return values
}
