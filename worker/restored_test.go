package worker

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/batch/v1"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/onlywave/onlywave/internal/payment"
)

// Each payment has had two runs, the later one begun by a twin of its last webhook, which does not know what was asked for. All are
// reset at one moment, as docs/operations.md advises after a restore: each row is written anew.
func TestPaymentsOfSeveralRunsSurviveARestore(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var ids []string
	for i := range 20 {
		p := s.paid(t, fmt.Sprint("twice-", i))
		require.NoError(t, s.Workflows.Signal(t.Context(), p.ID))
		ids = append(ids, p.ID)
	}
	const ended = `WorkflowType = "Payment" and ExecutionStatus != "Running"`
	eventually(t, func() bool {
		n, err := s.Temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: ended})
		return err == nil && n.GetCount() == int64(2*len(ids))
	}, "all have ended")
	for _, id := range ids {
		s.lose(t, id)
		s.forgets(id)
	}
	s.resetAll(t, ended+` and PaymentAsked is null`)
	s.resetAll(t, ended+` and PaymentAsked = true`)
	for _, id := range ids {
		s.await(t, id, payment.Approved)
		s.requireOneCharge(t, id)
	}
}

// resetAll is `temporal workflow reset --type FirstWorkflowTask --query …`, and waits until it is done.
func (s store) resetAll(t *testing.T, query string) {
	t.Helper()
	job := uuid.NewString()
	eventually(t, func() bool { // one at a time; its list shows a little later that the one before is over
		_, err := s.Temporal.WorkflowService().StartBatchOperation(t.Context(), &workflowservice.StartBatchOperationRequest{
			Namespace: s.at.namespace, JobId: job, Reason: "test", VisibilityQuery: query,
			Operation: &workflowservice.StartBatchOperationRequest_ResetOperation{ResetOperation: &batch.BatchOperationReset{
				Options: &common.ResetOptions{Target: &common.ResetOptions_FirstWorkflowTask{}},
			}},
		})
		return err == nil
	}, "the reset begins")
	eventually(t, func() bool {
		state, err := s.Temporal.WorkflowService().DescribeBatchOperation(t.Context(), &workflowservice.DescribeBatchOperationRequest{Namespace: s.at.namespace, JobId: job})
		return err == nil && state.GetState() == enums.BATCH_OPERATION_STATE_COMPLETED && state.GetFailureOperationCount() == 0
	}, "the reset is done")
}
