package worker

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// Orders on the real server: what the workflow asks of Temporal, and money in flight.
func TestOrdersOnAPaymentThatMercadoPagoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	t.Run("retry makes the waiting attempt due now", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "retry", refusing(5))
		waiting := s.pending(t, id, func(a *workflow.PendingActivityInfo) bool {
			return a.GetAttempt() >= 4 && a.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED && time.Until(a.GetNextAttemptScheduleTime().AsTime()) > 3*time.Second
		})
		require.NoError(t, s.Workflows.Command(t.Context(), s.order(id, command.Retry)))
		s.await(t, id, payment.Pending)
		require.Less(t, time.Now(), waiting.GetNextAttemptScheduleTime().AsTime(), "it did not wait")
		s.requireOneCharge(t, id)
	})
	t.Run("a paused activity stays paused", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "paused", refusing(3))
		s.pause(t, id)
		err := s.Workflows.Command(t.Context(), s.order(id, command.Retry))
		require.Equal(t, failure.Conflict, failure.KindOf(err), "%v", err)
		require.ErrorContains(t, err, "paused")
	})
	t.Run("giving up waits for the attempt under way", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "in flight", refusing(1), simulator.Fault{Kind: simulator.KindSlow, Delay: 8 * time.Second, Times: 1})
		s.pending(t, id, func(a *workflow.PendingActivityInfo) bool {
			return a.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED
		})
		o := s.order(id, command.GiveUp)
		eventually(t, func() bool { // a busy machine may need more than one wait until the order is heard
			short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer cancel()
			return errors.Is(s.Workflows.Command(short, o), command.ErrRunning)
		}, "the order is accepted while the attempt is under way")
		err := s.Workflows.Command(t.Context(), o) // the same order
		require.Equal(t, failure.Conflict, failure.KindOf(err), "%v", err)
		require.Equal(t, payment.Pending, s.await(t, id, payment.Pending).Status, "a search would not have known it yet")
		s.requireOneCharge(t, id)
	})
	t.Run("giving up finds the charge whose answer was lost", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "lost", simulator.Fault{Kind: simulator.KindErrorAfter, Times: 1}, failing(20))
		s.pending(t, id, func(a *workflow.PendingActivityInfo) bool { return a.GetAttempt() >= 2 })
		err := s.Workflows.Command(t.Context(), s.order(id, command.GiveUp))
		require.ErrorContains(t, err, "Mercado Pago has the payment, which is pending")
		s.requireOneCharge(t, id)
	})
	t.Run("a charge that nobody finds is unknown", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "unknown", simulator.Fault{Kind: simulator.KindErrorAfter, Times: 1}, failing(20),
			simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, Times: 1})
		s.pending(t, id, func(a *workflow.PendingActivityInfo) bool { return a.GetAttempt() >= 2 })
		o := s.order(id, command.GiveUp)
		for range 2 {
			require.NoError(t, s.Workflows.Command(t.Context(), o))
		}
		require.Equal(t, payment.Unknown, s.await(t, id, payment.Unknown).Status)
		require.Equal(t, []audit.Action{audit.PaymentGiveUp}, s.trail(t, id))

		found := s.order(id, command.Settle)
		found.Outcome, found.ProviderPaymentID = command.Found, "1"
		require.ErrorContains(t, s.Workflows.Command(t.Context(), found), "the provider has no payment 1")
		found.ID, found.ProviderPaymentID = uuid.NewString(), s.charge(id)
		for range 2 {
			require.NoError(t, s.Workflows.Command(t.Context(), found))
		}
		s.await(t, id, payment.Pending)
		s.requireOneCharge(t, id)
		require.Equal(t, []audit.Action{audit.PaymentGiveUp, audit.PaymentSettle}, s.trail(t, id))
	})
	t.Run("a hold outlives the run", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "held", refusing(3))
		s.update(t, id, command.Hold, map[string]any{"actor": "ana", "reason": "a check"})
		again := wish("held")
		again.Wait = time.Second
		answer, err := s.Workflows.Create(t.Context(), again)
		require.NoError(t, err)
		require.Nil(t, answer, "the POST is answered 202")
		require.NoError(t, s.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(id), "", "test"))
		require.NoError(t, s.Workflows.Signal(t.Context(), id))
		eventually(t, func() bool {
			run, err := s.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
			return err == nil && run.RawResponse.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()["PaymentHold"] != nil
		}, "the new run is held")
		err = s.Workflows.Command(t.Context(), s.order(id, command.Look))
		require.ErrorContains(t, err, "release it first")
		require.Empty(t, s.charge(id))
		require.NoError(t, s.Workflows.Command(t.Context(), s.order(id, command.Release)))
		s.await(t, id, payment.Pending)
		s.requireOneCharge(t, id)
		require.Equal(t, []audit.Action{audit.PaymentHold, audit.PaymentRelease}, s.trail(t, id))
	})
	t.Run("a signal from the Web UI holds, and one that is not valid says so", func(t *testing.T) {
		t.Parallel()
		id := s.unanswered(t, "signals", refusing(20))
		signal := func(name command.Name, argument any) {
			require.NoError(t, s.Temporal.SignalWorkflow(t.Context(), workflows.WorkflowID(id), "", string(name), argument))
		}
		signal(command.Hold, map[string]any{"actor": "ana"})
		eventually(t, func() bool { return s.view(t, id).Refused != "" }, "the signal is refused")
		require.Contains(t, s.view(t, id).Refused, "reason must say why")
		before := s.acceptedUpdates(t, id)
		err := s.Workflows.Command(t.Context(), s.order(id, command.Release))
		require.ErrorContains(t, err, "the payment is not held")
		require.Equal(t, before, s.acceptedUpdates(t, id), "a refused update leaves no event")
		s.requireDescriptions(t, id)
		// The fields name channels of the audit, as those of orders once did. Typing them proves nothing.
		signal(command.Hold, map[string]any{"actor": "ana", "reason": "a check", "door": "console", "channel": "console", "from": "192.0.2.1"})
		eventually(t, func() bool { return !s.view(t, id).HeldUntil.IsZero() }, "the payment is held")
		list, err := s.Database.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + id, Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, audit.Actor{Name: "ana", Channel: audit.Temporal}, list[0].Actor)
		s.reset(t, id)
		eventually(t, func() bool { return !s.view(t, id).HeldUntil.IsZero() }, "also after a reset")
		require.Len(t, s.trail(t, id), 1, "the signal that was applied again is the same order")
	})
}

// refusing is a provider that refuses our access token for a number of charges, which trips no breaker.
func refusing(times int) simulator.Fault {
	return simulator.Fault{Kind: simulator.KindError, Status: http.StatusUnauthorized, Times: times}
}

// failing is a provider that fails for a number of charges.
func failing(times int) simulator.Fault {
	return simulator.Fault{Kind: simulator.KindError, Status: http.StatusServiceUnavailable, Times: times}
}

// unanswered is a payment whose charge the provider answers with faults, one after the other.
func (s store) unanswered(t *testing.T, key string, faults ...simulator.Fault) (id string) {
	t.Helper()
	in := wish(key)
	for _, f := range faults {
		if f.On == "" {
			f.On = simulator.Create
		}
		f.ExternalReference = in.PaymentID
		s.provider.AddFault(f)
	}
	in.Wait = time.Second
	_, err := s.Workflows.Create(t.Context(), in)
	require.NoError(t, err)
	s.pending(t, in.PaymentID, func(*workflow.PendingActivityInfo) bool { return true })
	return in.PaymentID
}

// pending is the payment's activity at the provider, once it is as wanted.
func (s store) pending(t *testing.T, id string, wanted func(*workflow.PendingActivityInfo) bool) (found *workflow.PendingActivityInfo) {
	t.Helper()
	eventually(t, func() bool {
		run, err := s.Temporal.DescribeWorkflow(t.Context(), workflows.WorkflowID(id), "")
		if err != nil || len(run.RawResponse.GetPendingActivities()) == 0 {
			return false
		}
		found = run.RawResponse.GetPendingActivities()[0]
		return wanted(found)
	}, "the activity waits")
	return found
}

func (s store) order(id string, name command.Name) command.Order {
	return command.Order{PaymentID: id, Command: name, ID: uuid.NewString(), Actor: "ana", Reason: "a check"}
}

// update orders a command as the Web UI's form and `temporal workflow update execute` do.
func (s store) update(t *testing.T, id string, name command.Name, argument any) {
	t.Helper()
	u, err := s.Temporal.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: workflows.WorkflowID(id), UpdateName: string(name), Args: []any{argument}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, u.Get(t.Context(), nil))
}

func (s store) view(t *testing.T, id string) (v workflows.View) {
	t.Helper()
	answer, err := s.Temporal.QueryWorkflow(t.Context(), workflows.WorkflowID(id), "", workflows.QueryState)
	require.NoError(t, err)
	require.NoError(t, answer.Get(&v))
	return v
}

// acceptedUpdates counts the updates in the history of the payment's newest run.
func (s store) acceptedUpdates(t *testing.T, id string) (n int) {
	t.Helper()
	events := s.Temporal.GetWorkflowHistory(t.Context(), workflows.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED {
			n++
		}
	}
	return n
}

// requireDescriptions reads what the Web UI's forms and `temporal workflow metadata` show.
func (s store) requireDescriptions(t *testing.T, id string) {
	t.Helper()
	answer, err := s.Temporal.QueryWorkflow(t.Context(), workflows.WorkflowID(id), "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdk.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	require.Contains(t, metadata.GetCurrentDetails(), "**Being charged**: R$ 10.50 by Pix.")
	described := map[string]string{}
	for kind, list := range map[command.Kind][]*sdk.WorkflowInteractionDefinition{
		command.Signal: metadata.GetDefinition().GetSignalDefinitions(), command.Update: metadata.GetDefinition().GetUpdateDefinitions(),
		command.Query: metadata.GetDefinition().GetQueryDefinitions(),
	} {
		for _, d := range list {
			described[string(kind)+" "+d.GetName()] = d.GetDescription()
		}
	}
	for _, e := range command.Catalogue() {
		for _, kind := range e.Kinds {
			require.Equal(t, e.Does.English, described[string(kind)+" "+string(e.Name)], "%s %s", kind, e.Name)
		}
	}
}

// trail is what the audit has of a payment, oldest first.
func (s store) trail(t *testing.T, id string) (actions []audit.Action) {
	t.Helper()
	list, err := s.Database.AuditTrail(t.Context(), audit.Filter{Object: "payment/" + id, Limit: 10})
	require.NoError(t, err)
	for _, e := range list {
		actions = append([]audit.Action{e.Action}, actions...)
	}
	return actions
}

// charge is the provider's ID of a payment's charge, "" when there is none.
func (s store) charge(id string) string {
	for _, e := range s.provider.Ledger() {
		if e.Kind == simulator.Charge && e.ExternalReference == id {
			return e.PaymentID
		}
	}
	return ""
}

// pause pauses the payment's activity, as an operator does in Temporal.
func (s store) pause(t *testing.T, id string) {
	t.Helper()
	a := s.pending(t, id, func(a *workflow.PendingActivityInfo) bool {
		return a.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED
	})
	_, err := s.Temporal.WorkflowService().PauseActivity(t.Context(), &workflowservice.PauseActivityRequest{
		Namespace: s.at.namespace, Execution: &common.WorkflowExecution{WorkflowId: workflows.WorkflowID(id)},
		Activity: &workflowservice.PauseActivityRequest_Id{Id: a.GetActivityId()},
	})
	require.NoError(t, err)
}
