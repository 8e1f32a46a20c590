package alerts

import (
	"context"
	"errors"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/test/platform"
)

// pinned is the id of a workflow that is pinned to a build without workers.
const pinned = "alerts-pinned"

// startPinned starts a workflow of the type Payment on a worker of another build, and ends that worker.
func startPinned(ctx context.Context, s *Scene) error {
	return s.temporal(ctx, func(c client.Client) error {
		build := worker.WorkerDeploymentVersion{DeploymentName: "onlywave", BuildID: "withdrawn"}
		w := worker.New(c, "payments", worker.Options{DeploymentOptions: worker.DeploymentOptions{UseVersioning: true, Version: build}})
		waits := func(ctx workflow.Context) error { return workflow.Await(ctx, func() bool { return false }) }
		w.RegisterWorkflowWithOptions(waits, workflow.RegisterOptions{Name: "Payment", VersioningBehavior: workflow.VersioningBehaviorPinned})
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop()
		return errors.Join(
			retry(ctx, func() error { // until Temporal knows the build
				_, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
					ID: pinned, TaskQueue: "payments", VersioningOverride: &client.PinnedVersioningOverride{Version: build},
				}, "Payment")
				return err
			}),
			retry(ctx, func() error {
				found, err := c.DescribeWorkflow(ctx, pinned, "")
				if err == nil && found.RawResponse.GetWorkflowExecutionInfo().GetVersioningInfo().GetDeploymentVersion().GetBuildId() != build.BuildID {
					err = errors.New("the build has not run the workflow yet")
				}
				return err
			}),
		)
	})
}

func terminatePinned(ctx context.Context, s *Scene) error {
	return s.temporal(ctx, func(c client.Client) error { return c.TerminateWorkflow(ctx, pinned, "", "healed") })
}

// retry repeats it until it succeeds.
func retry(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, defaultLasts)
	defer cancel()
	for {
		err := do()
		if err == nil || !platform.Pause(ctx, askEvery) {
			return err
		}
	}
}
