package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/onlywave/onlywave/internal/failure"
)

// An update is sent again after these pauses: a run that is about to end takes milliseconds, and Temporal starts no second run
// of a workflow within a second.
const (
	firstUpdatePause   = 50 * time.Millisecond
	longestUpdatePause = 400 * time.Millisecond
)

// What Temporal's server says itself of an update, instead of the run that it was for (update/errors_failures.go of server 1.31).
const (
	typeRunEnded    = "AcceptedUpdateCompletedWorkflow" // the run ended before it could answer
	typeUnprocessed = "UnprocessedUpdate"               // the worker took no notice of it
)

func ofServer(app *temporal.ApplicationError) bool {
	return slices.Contains([]string{typeRunEnded, typeUnprocessed}, app.Type())
}

// untilHeard sends an update until a run has dealt with it, or ctx ends: all that Temporal and a run that ends may say meanwhile
// passes, and sending it again is safe. The update gets another ID after each answer that a run has given, since that run goes
// on giving it when it has closed.
func (c *Client) untilHeard(ctx context.Context, workflowID, updateID string, send func(updateID string) error) error {
	id := updateID
	for try, pause := 1, firstUpdatePause; ; try, pause = try+1, min(2*pause, longestUpdatePause) {
		err := send(id)
		switch {
		case aborted(err):
		case overtaken(err):
			id = fmt.Sprintf("%s-%d", updateID, try)
		case endedUnder(err) && !c.gaveUp(ctx, workflowID):
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// aborted says whether no run has seen the update, or none that could keep what it did: a workflow task failed since signals
// came in meanwhile, the run is closing, or another was started within the last second.
func aborted(err error) bool {
	_, notReady := errors.AsType[*serviceerror.WorkflowNotReady](err)
	_, abortedByServer := errors.AsType[*serviceerror.Aborted](err)
	_, closing := errors.AsType[*serviceerror.NotFound](err)
	busy, exhausted := errors.AsType[*serviceerror.ResourceExhausted](err)
	app, failed := errors.AsType[*temporal.ApplicationError](err)
	return notReady || abortedByServer || closing ||
		exhausted && busy.Cause == enums.RESOURCE_EXHAUSTED_CAUSE_BUSY_WORKFLOW || failed && app.Type() == typeUnprocessed
}

// overtaken says whether a run has answered that it cannot deal with the update, and another one can: it was cancelled, or
// found no payment.
func overtaken(err error) bool { return temporal.IsCanceledError(err) || unwritten(err) }

// unwritten says whether the run itself has answered that its payment was never written. What a run has decided for good, such as that
// the provider does not answer an operator, cannot be retried.
func unwritten(err error) bool {
	app, answer := errors.AsType[*temporal.ApplicationError](err)
	return answer && failure.Kind(app.Type()) == failure.Unavailable && !app.NonRetryable()
}

// endedUnder says whether the run had begun to deal with the update when it ended.
func endedUnder(err error) bool {
	app, answer := errors.AsType[*temporal.ApplicationError](err)
	return answer && app.Type() == typeRunEnded
}

// gaveUp says whether the newest run has failed, which leaves the payment to a person: another one would fail, too.
func (c *Client) gaveUp(ctx context.Context, workflowID string) bool {
	run, err := c.latest(ctx, workflowID)
	return err == nil && run.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_FAILED
}

// outcome reads what a run has answered to an update. A run from before may have answered with nothing.
func outcome(ctx context.Context, update client.WorkflowUpdateHandle, into any) error {
	err := update.Get(ctx, into)
	if errors.Is(err, temporal.ErrNoData) {
		return nil
	}
	return err
}
