package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// newShop is a worker that does not run yet, with a namespace of its own and a client app in the database.
func newShop(t *testing.T) *Worker {
	t.Helper()
	at, _ := newOwnEnv(t)
	return openShop(t, at)
}

// openShop is newShop in an environment with a namespace of its own.
func openShop(t *testing.T, at env) *Worker {
	t.Helper()
	w, _ := newWorker(t, at)
	_, err := w.Database.IssueAPIKey(t.Context(), audit.Actor{Name: "test"}, access.KeyRequest{Environment: "test", ClientID: "shop", Scopes: access.Scopes()}, time.Now())
	require.NoError(t, err)
	eventually(t, func() bool { return workflows.AddSearchAttributes(t.Context(), w.Temporal, at.namespace) == nil }, "Temporal")
	return w
}

func (w *Worker) awaitRun(t *testing.T, id string, status enums.WorkflowExecutionStatus) {
	t.Helper()
	eventually(t, func() bool {
		run, err := w.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
		return err == nil && run.RawResponse.GetWorkflowExecutionInfo().GetStatus() == status
	}, status.String())
}

// A signal may start a run of a payment that is not written yet. A client that posts meanwhile gets no answer that its payment
// is under way, since that run knows nothing of it. Once the run has ended, the client's key is as good as before.
func TestAStraySignalSpoilsNoPayment(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	early, slow := wish("early"), wish("slow")
	slow.Wait = timeout
	for _, in := range []workflows.CreateInput{early, slow} {
		require.NoError(t, w.Workflows.Signal(t.Context(), in.PaymentID))
	}
	answer, err := w.Workflows.Create(t.Context(), early)
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "no run has the payment")
	require.Nil(t, answer)
	waited := make(chan bool, 1)
	go func() {
		answer, err := w.Workflows.Create(t.Context(), slow)
		waited <- answer != nil && err == nil
	}()

	stop := run(t, w)
	require.True(t, <-waited, "the run that knew nothing is followed by one that creates the payment")
	w.awaitRun(t, early.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	early.Wait = timeout
	answer, err = w.Workflows.Create(t.Context(), early)
	require.NoError(t, err)
	require.Equal(t, early.PaymentID, answer.PaymentID)
	require.Equal(t, early.Request.Fingerprint(), answer.Fingerprint)
	require.Equal(t, payment.Pending, answer.Status)
	require.Equal(t, 2, answer.Version)
	for _, in := range []workflows.CreateInput{early, slow} {
		p, err := w.Database.Payment(t.Context(), in.PaymentID)
		require.NoError(t, err)
		require.Equal(t, payment.Pending, p.Status)
	}
	stop()
}

// Temporal forgets an order when the workflow task that carries it out is lost, and what the task has stored stays. A signal is kept.
func TestAnOrderThatIsNotHeardLeavesASignal(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	in := wish("unheard")
	short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	err := w.Workflows.Command(short, command.Order{
		PaymentID: in.PaymentID, Command: command.Refund, ID: "k", Actor: "shop", Reason: "a check", Refund: &payment.RefundRequest{Amount: 300, IdempotencyKey: "k"},
	})
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "no worker runs: %v", err)
	require.NotErrorIs(t, err, command.ErrRunning)
	signals := 0
	history := w.Temporal.GetWorkflowHistory(t.Context(), workflows.WorkflowID(in.PaymentID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		require.NoError(t, err)
		if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == workflows.SignalLook {
			signals++
		}
	}
	require.Equal(t, 1, signals)
}

// A payment exists from the moment that its run is started, before anything is written: whose it is and that it is under way can
// be asked then.
func TestAPaymentIsKnownBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	accepted, signalled := wish("accepted"), wish("signalled")
	answer, err := w.Workflows.Create(t.Context(), accepted)
	require.NoError(t, err)
	require.Nil(t, answer, "no worker runs")
	require.NoError(t, w.Workflows.Signal(t.Context(), signalled.PaymentID))
	begun := func(client, id string) bool {
		is, err := w.Workflows.Begun(t.Context(), client, id)
		require.NoError(t, err)
		return is
	}
	require.True(t, begun("shop", accepted.PaymentID))
	require.False(t, begun("other", accepted.PaymentID), "it is none of theirs")
	require.False(t, begun("shop", signalled.PaymentID), "a signal makes no payment")
	require.True(t, begun("", accepted.PaymentID), "of any client app")
	require.False(t, begun("", signalled.PaymentID))
	require.False(t, begun("shop", wish("never").PaymentID))

	// Another request under the same key is refused, though neither the database nor the run can be asked.
	other := accepted
	other.Request.Amount.Centavos++
	for _, unread := range []bool{false, true} {
		other.Unread = unread
		_, err = w.Workflows.Create(t.Context(), other)
		require.Equal(t, failure.Conflict, failure.KindOf(err), "%v", err)
	}
	other.Wait = timeout
	began := time.Now()
	_, err = w.Workflows.Create(t.Context(), other)
	require.Equal(t, failure.Conflict, failure.KindOf(err))
	require.Less(t, time.Since(began), timeout, "it has not waited for the run")

	lost, _ := newWorker(t, unavailable)
	_, err = lost.Workflows.Begun(t.Context(), "shop", accepted.PaymentID)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}

// A run that has ended since the database was asked has written its payment by then, and one that could not write it waits for an
// operator, who may still have it charged: neither payment is missing. One that an operator has ended is.
func TestAPaymentWhoseRunHasEndedIsNotMissing(t *testing.T) {
	t.Parallel()
	w := newShop(t)
	ends := worker.New(w.Temporal, "ends", worker.Options{})
	ends.RegisterWorkflowWithOptions(func(_ workflow.Context, well bool) error {
		if well {
			return nil
		}
		return temporal.NewNonRetryableApplicationError("it could not be written", "invalid", nil)
	}, workflow.RegisterOptions{Name: "ends"})
	require.NoError(t, ends.Start())
	t.Cleanup(ends.Stop)
	start := func(key, queue string, well bool) (id string) {
		id = payment.NewID("shop", key)
		_, err := w.Temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: workflows.WorkflowID(id), TaskQueue: queue,
			TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("PaymentClient").ValueSet("shop")),
		}, "ends", well)
		require.NoError(t, err)
		return id
	}
	begun := func(client, id string) bool {
		is, err := w.Workflows.Begun(t.Context(), client, id)
		require.NoError(t, err)
		return is
	}
	written, failed, terminated := start("written", "ends", true), start("failed", "ends", false), start("terminated", "no-worker", true)
	w.awaitRun(t, written, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	w.awaitRun(t, failed, enums.WORKFLOW_EXECUTION_STATUS_FAILED)
	require.NoError(t, w.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(terminated), "", "given up"))
	w.awaitRun(t, terminated, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	require.True(t, begun("shop", written))
	require.False(t, begun("other", written), "it is none of theirs")
	require.True(t, begun("shop", failed))
	require.False(t, begun("shop", terminated))
}
