package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// nextBuild lets a payment's next run begin on the current build, also when this run is pinned to an older one.
var nextBuild = workflow.ContinueAsNewErrorOptions{InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade}

// waitsLong is how long a payment may still wait on an old build: a run that waits for less ends before the old workers are removed.
const waitsLong = 24 * time.Hour

// outdated says whether this run is pinned to a build that is not current any more and would keep its workers for long. The server says so
// in the history, so that replay decides alike; a server before 1.31 never does.
func (p *mailbox) outdated(ctx workflow.Context) bool {
	if !workflow.GetInfo(ctx).GetTargetWorkerDeploymentVersionChanged() {
		return false
	}
	return p.state.ExpiresAt.IsZero() || p.end().Sub(workflow.Now(ctx)) > waitsLong
}
