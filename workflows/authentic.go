package workflows

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payloadcodec"
)

// AuthenticOnly refuses each run that OnlyWave has not started, whatever its type, before it does anything: in live. Whoever reaches
// Temporal without the key can start runs, and the API, which checks requests, has not seen their input.
type AuthenticOnly struct {
	interceptor.WorkerInterceptorBase
}

// InterceptWorkflow comes before the workflow's function.
func (*AuthenticOnly) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	run := &authenticRun{}
	run.Next = next
	return run
}

type authenticRun struct {
	interceptor.WorkflowInboundInterceptorBase
}

// ExecuteWorkflow starts the run, or ends it as failed.
func (r *authenticRun) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	if !authentic(ctx, in.Args) && refusesForeign(ctx) {
		return nil, temporal.NewNonRetryableApplicationError("this run was not started by OnlyWave: its input is not encrypted with a key of "+
			"TEMPORAL_PAYLOAD_KEYS, or is of another workflow", string(failure.Forbidden), nil)
	}
	return r.Next.ExecuteWorkflow(ctx, in)
}

func authentic(ctx workflow.Context, args []any) bool {
	if payloadcodec.Foreign(interceptor.WorkflowHeader(ctx)) {
		return false
	}
	return len(args) == 1 && madeFor(args[0], workflow.GetInfo(ctx).WorkflowExecution.ID)
}

// madeFor says whether an input is of the workflow with this id. Whoever has no key can still copy an encrypted input from one workflow to
// another. What schedules start does the same with every input.
func madeFor(input any, workflowID string) bool {
	switch in := input.(type) {
	case PaymentInput:
		return workflowID == WorkflowID(in.PaymentID)
	case CheckoutInput:
		return workflowID == CheckoutWorkflowID(in.CheckoutID)
	case activities.EmailInput:
		return workflowID == EmailWorkflowID(in.Name)
	case RedriveInput:
		return workflowID == RedriveWorkflowID(in.ID)
	}
	return true
}
