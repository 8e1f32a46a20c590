package worker

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// A release by hand as docs/releasing.md describes it, with payments in flight, and its rollback. Payments end on the build that began them,
// but one that waits for weeks, which goes to the current build, and those that an operator moves. No workflow task fails.
func TestAReleaseWithPaymentsInFlight(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.begin("a")
	first, second, long := r.create(time.Hour), r.create(time.Hour), r.create(20*24*time.Hour)
	require.Equal(t, []string{"a", "a", "a"}, r.builds(first, second, long), "the first build becomes current by itself")

	r.begin("b")
	r.deployment("describe-version", "b")
	require.Equal(t, []string{"a"}, r.builds(r.create(time.Hour)), "no payment goes to a build before an operator decides so")

	r.deployment("set-ramping-version", "b", "--percentage", "50", "--yes")
	ramped := map[string]bool{}
	eventually(t, func() bool { ramped[r.builds(r.create(time.Hour))[0]] = true; return len(ramped) == 2 }, "new payments go to both builds")

	r.deployment("set-current-version", "b", "--yes")
	eventually(t, func() bool { return r.builds(r.create(time.Hour))[0] == "b" }, "new payments go to the new build")
	require.Equal(t, []string{"a", "a"}, r.builds(first, second), "open ones stay")
	require.NoError(t, r.Workflows.Signal(t.Context(), long))
	eventually(t, func() bool { return r.builds(long)[0] == "b" }, "one that waits for weeks goes to the new build")
	r.pay(first)

	r.deployment("set-current-version", "a", "--yes")
	eventually(t, func() bool { return r.builds(r.create(time.Hour))[0] == "a" }, "the rollback")
	left := ""
	for id := range r.unpaid {
		if r.builds(id)[0] == "b" && id != long {
			left = id
		}
	}
	require.NotEmpty(t, left, "a payment of the new build is still open")
	counted, err := r.pinnedWithoutWorkers(t.Context())
	require.NoError(t, err)
	require.Zero(t, counted, "every build has workers")
	r.stop["b"]()
	eventually(t, func() bool { counted, err := r.pinnedWithoutWorkers(t.Context()); return err == nil && counted > 0 }, "it waits for the build")
	r.temporal("workflow", "update-options", "--versioning-override-behavior", "auto_upgrade", "--yes", "--reason", "remove the workers of the build",
		"--query", `TemporalWorkerDeploymentVersion = "onlywave:b" AND ExecutionStatus = "Running"`)
	eventually(t, func() bool {
		require.NoError(t, r.Workflows.Signal(t.Context(), left))
		return r.builds(left)[0] == "a"
	}, "an operator moves it")
	eventually(t, func() bool { counted, err := r.pinnedWithoutWorkers(t.Context()); return err == nil && counted == 0 }, "none waits for the build")
	for id := range r.unpaid {
		r.pay(id)
	}
	r.drain("b")
	for id := range r.runs {
		require.Zero(t, r.failedTasks(id), id)
	}
}

// release is a namespace of its own, with builds of the worker and what has become of the payments.
type release struct {
	*Worker  // of the first build
	t        *testing.T
	at       env
	provider *simulator.Simulator
	unpaid   map[string]bool
	runs     map[string]bool   // workflow ids' payments
	stop     map[string]func() // ends a build's worker
}

func newRelease(t *testing.T) *release {
	at, provider := newOwnEnv(t)
	return &release{t: t, at: at, provider: provider, unpaid: map[string]bool{}, runs: map[string]bool{}, stop: map[string]func(){}}
}

// begin runs a build of the worker until the test's end.
func (r *release) begin(build string) {
	w, _ := newWorker(r.t, r.at)
	w.Versioning = Versioning{BuildID: build, Manual: true}
	if r.Worker == nil {
		r.Worker = w
		eventually(r.t, func() bool { return workflows.AddSearchAttributes(r.t.Context(), w.Temporal, r.at.namespace) == nil }, "Temporal")
		_, err := w.Database.IssueAPIKey(r.t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
		require.NoError(r.t, err)
	}
	r.stop[build] = run(r.t, w)
	eventually(r.t, func() bool {
		d, err := w.polling(r.t.Context())
		return err == nil && d.polling[build] == 1 && (d.current == build || build != "a")
	}, "the build asks for tasks")
}

// create makes a Pix, and returns its id once it waits for the buyer.
func (r *release) create(expiresIn time.Duration) string {
	in := wish(fmt.Sprint(len(r.runs)))
	in.Request.Method.ExpiresIn = int(expiresIn.Seconds())
	for {
		_, err := r.Workflows.Create(r.t.Context(), in)
		if failure.KindOf(err) != failure.Unavailable || r.t.Context().Err() != nil { // a busy machine's Temporal may ask to repeat it
			require.NoError(r.t, err)
			break
		}
	}
	r.stands(in.PaymentID, payment.Pending)
	r.unpaid[in.PaymentID], r.runs[in.PaymentID] = true, true
	return in.PaymentID
}

func (r *release) stands(id string, status payment.Status) (p payment.Payment) {
	eventually(r.t, func() (is bool) {
		var err error
		p, err = r.Database.Payment(r.t.Context(), id)
		return err == nil && p.Status == status
	}, id+" is "+string(status))
	return p
}

// pay pays a payment as its buyer, and sees it approved after one charge.
func (r *release) pay(id string) {
	p := r.stands(id, payment.Pending)
	require.NoError(r.t, r.provider.Pay(p.Provider.PaymentID))
	require.NoError(r.t, r.Workflows.Signal(r.t.Context(), id))
	r.stands(id, payment.Approved)
	charged := 0
	for _, e := range r.provider.Ledger() {
		if e.ExternalReference == id && e.Kind == simulator.Charge {
			charged++
		}
	}
	require.Equal(r.t, 1, charged, id)
	delete(r.unpaid, id)
}

// builds are those that the payments' newest runs are at.
func (r *release) builds(ids ...string) (all []string) {
	for _, id := range ids {
		found, err := r.Temporal.DescribeWorkflow(r.t.Context(), workflows.WorkflowID(id), "")
		require.NoError(r.t, err)
		all = append(all, found.RawResponse.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId())
	}
	return all
}

// failedTasks counts the workflow tasks that failed in all runs of a payment, as one does on a history that a build does not replay.
func (r *release) failedTasks(id string) (n int) {
	list, err := r.Temporal.ListWorkflow(r.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = %q", workflows.WorkflowID(id))})
	require.NoError(r.t, err)
	require.NotEmpty(r.t, list.GetExecutions())
	for _, e := range list.GetExecutions() {
		events := r.Temporal.GetWorkflowHistory(r.t.Context(), workflows.WorkflowID(id), e.GetExecution().GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			require.NoError(r.t, err)
			failed := event.GetWorkflowTaskFailedEventAttributes()
			if failed != nil && failed.GetCause() != enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND { // a signal came at its end
				r.t.Log(failed)
				n++
			}
		}
	}
	return n
}

// deployment runs a command of the page on a build.
func (r *release) deployment(command, build string, more ...string) {
	r.temporal(append([]string{"worker", "deployment", command, "--deployment-name", "onlywave", "--build-id", build}, more...)...)
}

// drain waits by the operators' script until no run needs a build.
func (r *release) drain(build string) {
	drain := exec.CommandContext(r.t.Context(), "../scripts/ops/drain", "--version", build, "--timeout", "60")
	drain.Env = append(drain.Environ(), "TEMPORAL_ADDRESS="+r.at.temporal, "TEMPORAL_NAMESPACE="+r.at.namespace)
	output, err := drain.CombinedOutput()
	require.NoError(r.t, err, "%s", output)
}

// temporal runs the operators' command line.
func (r *release) temporal(args ...string) {
	program, err := devstack.TemporalCommand()
	require.NoError(r.t, err)
	output, err := exec.CommandContext(r.t.Context(), program, append(args, "--address", r.at.temporal, "--namespace", r.at.namespace)...).CombinedOutput()
	require.NoError(r.t, err, "%v: %s", args, output)
}
