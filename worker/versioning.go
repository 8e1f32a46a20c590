package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/onlywave/onlywave/workflows"
)

// Versioning is how this build takes part in the deployment at Temporal, see docs/releasing.md.
type Versioning struct {
	BuildID string // "": this worker has no version
	Manual  bool   // an operator makes a version current, and payments are pinned to theirs
}

const (
	// A worker looks often while it starts, so that the first payments do not wait, and rarely later.
	versionStarts = time.Minute
	versionSoon   = 500 * time.Millisecond
	versionEvery  = 5 * time.Second
	// versionSettles is how long a build must have reason to become current before it does. A server that has just started has not heard
	// of all workers yet.
	versionSettles = 15 * time.Second
	// workerPolls is how long a worker counts after it has last asked for tasks: it asks at least once a minute.
	workerPolls = 90 * time.Second
)

// on says whether this worker's build is a version of the deployment.
func (v Versioning) on() bool { return v.BuildID != "" }

// options are those of both of Temporal's workers, so that a payment's calls to the provider are made by its own build, too.
func (v Versioning) options() worker.DeploymentOptions {
	return worker.DeploymentOptions{
		UseVersioning: v.on(),
		Version:       worker.WorkerDeploymentVersion{DeploymentName: workflows.Deployment, BuildID: v.BuildID},
	}
}

// deployment is how it stands at Temporal.
type deployment struct {
	current string         // build id; "" is the workers without a version
	chosen  bool           // a current version was set at least once
	ramping bool           // an operator is moving payments to another version
	tried   bool           // this build has been current or ramping before
	polling map[string]int // workers that ask for tasks, by build id
	token   []byte
}

// wants says whether this build should become current, and whether at once. A current version without a worker would leave payments
// waiting, so that any build takes its place. Otherwise the build with the most workers is current, unless an operator decides; a new
// build needs as many, and one that was current before needs more, so that an old worker's restart in the middle of a release changes nothing.
func (v Versioning) wants(d deployment) (wants, atOnce bool) {
	own, theirs := d.polling[v.BuildID], d.polling[d.current]
	fresh := v.on() && !d.tried
	switch {
	case d.current == v.BuildID || own == 0:
		return false, false
	case theirs == 0:
		return true, fresh && (!d.chosen || !v.Manual)
	case v.Manual || d.ramping:
		return false, false
	}
	return own > theirs || fresh && own == theirs, false
}

// runVersioning keeps a version current that has workers.
func (w *Worker) runVersioning(ctx context.Context) error {
	var since time.Time // when this build began to have reason to become current; zero: it has none
	failed, began := false, time.Now()
	for {
		wants, err := w.keepVersion(ctx, since)
		switch {
		case err != nil && ctx.Err() == nil && !failed:
			w.Log.Warn("the current version of the workers could not be checked; this is repeated until it can", "error", err)
		case !wants:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		failed = err != nil
		pause := versionEvery
		if time.Since(began) < versionStarts {
			pause = versionSoon
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// keepVersion makes this build current if it should be, and says whether it still should.
func (w *Worker) keepVersion(ctx context.Context, since time.Time) (wants bool, err error) {
	d, err := w.polling(ctx)
	if err != nil {
		return false, err
	}
	if wants, _ := w.Versioning.wants(d); !wants {
		return false, nil
	}
	handle := w.Temporal.WorkerDeploymentClient().GetHandle(workflows.Deployment)
	if err := w.inquire(ctx, handle, &d); err != nil {
		return false, err
	}
	wants, atOnce := w.Versioning.wants(d)
	if !wants || !atOnce && (since.IsZero() || time.Since(since) < versionSettles) {
		return wants, nil
	}
	_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: w.Versioning.BuildID, ConflictToken: d.token})
	if _, early := errors.AsType[*serviceerror.FailedPrecondition](err); early {
		return true, nil // another worker was faster, or not all queues are asked for tasks yet
	}
	if err == nil {
		w.Log.Info("the current version of the workers has changed", "build", w.Versioning.BuildID, "before", d.current)
	}
	return err != nil, err
}

// polling is what the queue of workflow tasks knows: the current version, and who asks for tasks.
func (w *Worker) polling(ctx context.Context) (deployment, error) {
	queue, err := w.Temporal.DescribeTaskQueue(ctx, workflows.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return deployment{}, err
	}
	d := deployment{current: queue.GetVersioningInfo().GetCurrentDeploymentVersion().GetBuildId(), polling: map[string]int{}}
	for _, p := range queue.GetPollers() {
		if time.Since(p.GetLastAccessTime().AsTime()) > workerPolls {
			continue
		}
		build := ""
		if o := p.GetDeploymentOptions(); o.GetWorkerVersioningMode() == enums.WORKER_VERSIONING_MODE_VERSIONED && o.GetDeploymentName() == workflows.Deployment {
			build = o.GetBuildId()
		}
		d.polling[build]++
	}
	return d, nil
}

// inquire adds what only the deployment itself knows. Temporal asks a workflow of its own for it, so that this is not for every time.
func (w *Worker) inquire(ctx context.Context, handle client.WorkerDeploymentHandle, d *deployment) error {
	found, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	if err != nil {
		return err
	}
	routing := found.Info.RoutingConfig
	d.token, d.chosen = found.ConflictToken, !routing.CurrentVersionChangedTime.IsZero()
	d.ramping = routing.RampingVersion != nil || routing.RampingVersionPercentage > 0
	d.current = ""
	if routing.CurrentVersion != nil {
		d.current = routing.CurrentVersion.BuildID
	}
	for _, v := range found.Info.VersionSummaries {
		if v.Version.BuildID == w.Versioning.BuildID {
			d.tried = v.DrainageStatus != client.WorkerDeploymentVersionDrainageStatusUnspecified
		}
	}
	return nil
}
