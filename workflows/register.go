package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Deployment is the name of our workers' deployment at Temporal; each build of the program is a version of it.
const Deployment = "onlywave"

// Register gives a worker all workflows. If payments are pinned, each run of one stays with the build that has begun it. All others go to
// the current build with their next task, so that only payments need an old worker: they are short, or send what may be sent again, and
// their changes are gated by versions, too.
func Register(r worker.WorkflowRegistry, pinned bool) {
	payments := workflow.VersioningBehaviorAutoUpgrade
	if pinned {
		payments = workflow.VersioningBehaviorPinned
	}
	r.RegisterWorkflowWithOptions(Payment, workflow.RegisterOptions{VersioningBehavior: payments})
	for _, other := range []any{Email, Redrive, Reconcile, SignalQuiet, ReopenStranded, AlertFindings, SettleMoney, WatchDisputes, Prune, Checkout} {
		r.RegisterWorkflowWithOptions(other, workflow.RegisterOptions{VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	}
}
