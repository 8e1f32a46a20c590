package workflows

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// RunState is how a run of a workflow stands.
type RunState string

// The states of a run.
const (
	RunRunning    RunState = "running"
	RunCompleted  RunState = "completed"
	RunFailed     RunState = "failed"
	RunCancelled  RunState = "cancelled"
	RunTerminated RunState = "terminated"
	RunContinued  RunState = "continued" // in another run, because its history was long
	RunTimedOut   RunState = "timed_out"
)

func runState(s enums.WorkflowExecutionStatus) RunState {
	switch s {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return RunCompleted
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		return RunFailed
	case enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return RunCancelled
	case enums.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return RunTerminated
	case enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return RunContinued
	case enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return RunTimedOut
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING, enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enums.WORKFLOW_EXECUTION_STATUS_PAUSED:
	}
	return RunRunning
}

// Run is one run of a workflow, as Temporal keeps it.
type Run struct {
	ID       string
	State    RunState
	Started  time.Time
	Ended    time.Time // zero: it runs
	Steps    []Step    // what is worth telling of its history, oldest first
	CutSteps bool      // older steps are left out
	Trace    string    // the id of the trace that started it; "": it is not traced
	Waiting  []Waiting // for what a running one waits
}

// Waiting is a pending activity, workflow task or timer of a run.
type Waiting struct {
	What    WaitingFor
	Name    string    // the activity's type, or the timer's summary
	Attempt int       // the one that runs or comes next
	Due     time.Time // of the next attempt, or the timer's end; zero: it runs now
	Failure string    // of the latest attempt
	Paused  bool
}

// WaitingFor is the kind of a Waiting.
type WaitingFor string

// For what a run waits.
const (
	ForActivity WaitingFor = "activity"
	ForTimer    WaitingFor = "timer"
	ForTask     WaitingFor = "workflow_task" // one that has failed
)

// Runs are the newest runs of a workflow, oldest first; cut says that there were older ones.
type Runs struct {
	All []Run
	Cut bool
}

// Running is the run that has not ended, or nil.
func (r Runs) Running() *Run {
	if n := len(r.All); n > 0 && r.All[n-1].State == RunRunning {
		return &r.All[n-1]
	}
	return nil
}

// RunsOf reads the newest runs of a payment, at most that many, with at most that many steps of each. A payment whose runs Temporal does
// not keep any more has none. Errors: Unavailable when Temporal does not answer.
func (c *Client) RunsOf(ctx context.Context, paymentID string, limit, steps int) (Runs, error) {
	doing := "read the runs of payment " + paymentID
	id := WorkflowID(paymentID)
	newest, err := c.temporal.DescribeWorkflow(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return Runs{}, nil
	}
	if err != nil {
		return Runs{}, interpret(doing, err)
	}
	// The list lags behind, so that the newest run may be missing in it.
	listed, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		PageSize: int32(limit + 1), Query: `WorkflowId = "` + id + `"`,
	})
	if err != nil {
		return Runs{}, interpret(doing, err)
	}
	all := []*workflow.WorkflowExecutionInfo{newest.RawResponse.GetWorkflowExecutionInfo()}
	for _, info := range listed.GetExecutions() {
		if info.GetExecution().GetRunId() != all[0].GetExecution().GetRunId() {
			all = append(all, info)
		}
	}
	slices.SortStableFunc(all[1:], func(a, b *workflow.WorkflowExecutionInfo) int {
		return b.GetStartTime().AsTime().Compare(a.GetStartTime().AsTime())
	})
	runs := Runs{Cut: len(all) > limit}
	for i, info := range all[:min(limit, len(all))] {
		run, err := c.run(ctx, info, steps)
		if err != nil {
			return Runs{}, interpret(doing, err)
		}
		if waits := pending(newest.RawResponse); i == 0 && len(waits) > 0 {
			run.Waiting = waits // a timer has no effect meanwhile
		}
		runs.All = append(runs.All, run)
	}
	slices.Reverse(runs.All)
	return runs, nil
}

// run reads the history of one run. One whose history is gone has no steps.
func (c *Client) run(ctx context.Context, info *workflow.WorkflowExecutionInfo, steps int) (Run, error) {
	run := Run{ID: info.GetExecution().GetRunId(), State: runState(info.GetStatus()), Started: info.GetStartTime().AsTime()}
	if closed := info.GetCloseTime(); closed.IsValid() {
		run.Ended = closed.AsTime()
	}
	reader := historyReader{limit: steps}
	events := c.temporal.GetWorkflowHistory(ctx, info.GetExecution().GetWorkflowId(), run.ID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
			break
		}
		if err != nil {
			return run, err
		}
		reader.read(event)
	}
	run.Steps, run.CutSteps, run.Trace = reader.steps, reader.cut, reader.trace
	if run.State == RunRunning {
		run.Waiting = reader.timer()
	}
	return run, nil
}

// pending are the activities that a run waits for, and a workflow task that fails again and again.
func pending(run *workflowservice.DescribeWorkflowExecutionResponse) (all []Waiting) {
	for _, a := range run.GetPendingActivities() {
		w := Waiting{
			What: ForActivity, Name: a.GetActivityType().GetName(), Attempt: int(a.GetAttempt()), Failure: failureText(a.GetLastFailure()), Paused: a.GetPaused(),
		}
		next := a.GetNextAttemptScheduleTime()
		if next == nil {
			next = a.GetScheduledTime()
		}
		if a.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED && next.IsValid() {
			w.Due = next.AsTime()
		}
		all = append(all, w)
	}
	if task := run.GetPendingWorkflowTask(); task.GetAttempt() > 1 {
		all = append(all, Waiting{What: ForTask, Attempt: int(task.GetAttempt())})
	}
	return all
}

// EmailRun is how the sending of an e-mail stands; its State is "" when Temporal knows of none.
type EmailRun struct {
	State   RunState
	Ended   time.Time
	Waiting []Waiting
}

// EmailRun reads the newest run of an e-mail; the name is that of activities.EmailInput. Errors: Unavailable when Temporal does not answer.
func (c *Client) EmailRun(ctx context.Context, name string) (EmailRun, error) {
	run, err := c.temporal.DescribeWorkflow(ctx, EmailWorkflowID(name), "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return EmailRun{}, nil
	}
	if err != nil {
		return EmailRun{}, interpret("look at e-mail "+name, err)
	}
	info := run.RawResponse.GetWorkflowExecutionInfo()
	state := EmailRun{State: runState(info.GetStatus()), Waiting: pending(run.RawResponse)}
	if closed := info.GetCloseTime(); closed.IsValid() {
		state.Ended = closed.AsTime()
	}
	return state, nil
}
