package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// store is a worker that runs, the provider that it asks, and the database, from which payments are lost.
type store struct {
	*Worker
	provider *simulator.Simulator
	at       env
}

func newStore(t *testing.T, change ...func(*env)) store {
	t.Helper()
	at, provider := newOwnEnv(t)
	for _, c := range change {
		c(&at)
	}
	w := openShop(t, at)
	run(t, w)
	return store{w, provider, at}
}

// create asks for a payment and waits until it stands in the database.
func (s store) create(t *testing.T, key string) payment.Payment {
	t.Helper()
	in := wish(key)
	in.Wait = timeout
	_, err := s.Workflows.Create(t.Context(), in)
	require.NoError(t, err)
	return s.await(t, in.PaymentID, payment.Pending)
}

func (s store) await(t *testing.T, id string, status payment.Status) (p payment.Payment) {
	t.Helper()
	eventually(t, func() bool {
		var err error
		p, err = s.Database.Payment(t.Context(), id)
		return err == nil && p.Status == status
	}, string(status))
	return p
}

// paid is a payment that the buyer has paid and whose run has ended.
func (s store) paid(t *testing.T, key string) payment.Payment {
	t.Helper()
	p := s.create(t, key)
	require.NoError(t, s.provider.Pay(p.Provider.PaymentID))
	require.NoError(t, s.Workflows.Signal(t.Context(), p.ID))
	p = s.await(t, p.ID, payment.Approved)
	s.awaitRun(t, p.ID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	return p
}

// lose removes a payment's rows, as a restore from an older backup does.
func (s store) lose(t *testing.T, id string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.at.postgres)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), `set session_replication_role = replica`) // a restore asks no trigger, and entries of the ledger stay otherwise
	require.NoError(t, err)
	for _, table := range []string{"outbox", "payment_events", "operations", "ledger_entries"} {
		_, err = conn.Exec(t.Context(), `delete from `+table+` where payment_id = $1`, id)
		require.NoError(t, err)
	}
	_, err = conn.Exec(t.Context(), `delete from payments where id = $1`, id)
	require.NoError(t, err)
}

// forgets lets the provider forget the idempotency keys of a payment.
func (s store) forgets(id string) {
	s.provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey, ExternalReference: id})
}

func (s store) reset(t *testing.T, id string) {
	t.Helper()
	_, err := s.Temporal.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.at.namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: workflows.WorkflowID(id)},
		Reason: "test", WorkflowTaskFinishEventId: s.firstTask(t, id), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
}

// firstTask is the end of a run's first workflow task, to which `temporal workflow reset --type FirstWorkflowTask` resets.
func (s store) firstTask(t *testing.T, id string) int64 {
	t.Helper()
	history := s.Temporal.GetWorkflowHistory(t.Context(), workflows.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return event.GetEventId()
		}
	}
	require.Fail(t, "the run has no workflow task")
	return 0
}

func (s store) requireOneCharge(t *testing.T, id string) {
	t.Helper()
	charges := 0
	for _, e := range s.provider.Ledger() {
		if e.Kind == simulator.Charge && e.ExternalReference == id {
			charges++
		}
	}
	require.Equal(t, 1, charges)
}

// A payment is approved, its row is lost, and the recovery that is advised writes it anew. Whatever the provider still knows,
// the payment is charged once, and was asked for when it was.
func TestARowThatIsWrittenAnewIsNotChargedAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	lag := func(id string) simulator.Fault {
		return simulator.Fault{On: simulator.Search, Kind: simulator.KindSearchLag, ExternalReference: id}
	}
	for name, row := range map[string]struct {
		forgets bool
		faults  func(id string) simulator.Fault
	}{
		"the provider has forgotten the key": {forgets: true},
		"its search lags behind":             {faults: lag},
	} {
		t.Run("reset, "+name, func(t *testing.T) {
			before := s.paid(t, "reset, "+name)
			s.lose(t, before.ID)
			if row.forgets {
				s.forgets(before.ID)
			} else {
				s.provider.AddFault(row.faults(before.ID))
			}
			s.reset(t, before.ID)
			after := s.await(t, before.ID, payment.Approved)
			s.requireOneCharge(t, before.ID)
			require.Equal(t, before.CreatedAt, after.CreatedAt)
			require.Equal(t, before.Provider.PaymentID, after.Provider.PaymentID)
		})
	}
	t.Run("asleep", func(t *testing.T) {
		before := s.create(t, "asleep")
		s.lose(t, before.ID)
		s.forgets(before.ID)
		require.NoError(t, s.provider.Pay(before.Provider.PaymentID))
		require.NoError(t, s.Workflows.Signal(t.Context(), before.ID))
		after := s.await(t, before.ID, payment.Approved)
		s.requireOneCharge(t, before.ID)
		require.Equal(t, before.CreatedAt, after.CreatedAt)
		require.Equal(t, before.Provider.PaymentID, after.Provider.PaymentID)
	})
	t.Run("asleep, a second time", func(t *testing.T) {
		before := s.create(t, "asleep twice")
		for range 2 {
			s.lose(t, before.ID)
			s.forgets(before.ID)
			require.NoError(t, s.Workflows.Signal(t.Context(), before.ID))
			after := s.await(t, before.ID, payment.Pending)
			require.Equal(t, before.CreatedAt, after.CreatedAt)
		}
		s.requireOneCharge(t, before.ID)
	})
}

// The same POST comes again. The payment's run has closed and goes on answering for what the database has lost, or it sleeps and
// has not noticed. The provider has forgotten the key.
func TestAPOSTForALostRowIsNotChargedAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	again := func(t *testing.T, key string, lost *workflows.Answer) *workflows.Answer {
		t.Helper()
		return s.again(t, key, lost)
	}
	t.Run("its run has closed", func(t *testing.T) {
		before := s.paid(t, "closed")
		s.lose(t, before.ID)
		s.forgets(before.ID)
		closed := again(t, "closed", nil)
		require.Equal(t, payment.Pending, closed.Status, "as it answered then")
		require.Equal(t, before.CreatedAt, closed.AskedAt)
		again(t, "closed", closed)
		after := s.await(t, before.ID, payment.Approved)
		s.requireOneCharge(t, before.ID)
		require.Equal(t, before.CreatedAt, after.CreatedAt)
	})
	t.Run("a later run has closed", func(t *testing.T) {
		before := s.paid(t, "later")
		require.NoError(t, s.Workflows.Signal(t.Context(), before.ID))
		s.awaitRun(t, before.ID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		s.lose(t, before.ID)
		s.forgets(before.ID)
		again(t, "later", nil)
		s.await(t, before.ID, payment.Approved)
		s.requireOneCharge(t, before.ID)
	})
	t.Run("its run sleeps, and knows what was asked for", func(t *testing.T) {
		before := s.create(t, "sleeps")
		s.lose(t, before.ID)
		s.forgets(before.ID)
		again(t, "sleeps", again(t, "sleeps", nil))
		after := s.await(t, before.ID, payment.Pending)
		s.requireOneCharge(t, before.ID)
		require.Equal(t, before.CreatedAt, after.CreatedAt)
	})
	t.Run("a run sleeps that does not", func(t *testing.T) {
		before := s.create(t, "signalled")
		require.NoError(t, s.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(before.ID), "", "test"))
		require.NoError(t, s.Workflows.Signal(t.Context(), before.ID))
		s.awaitRun(t, before.ID, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
		again(t, "signalled", nil)
		s.lose(t, before.ID)
		s.forgets(before.ID)
		lost := again(t, "signalled", nil)
		require.Equal(t, before.CreatedAt, lost.AskedAt)
		again(t, "signalled", lost)
		after := s.await(t, before.ID, payment.Pending)
		s.requireOneCharge(t, before.ID)
		require.Equal(t, before.CreatedAt, after.CreatedAt)
	})
}

// Temporal has forgotten the payment, too. Only the setting says that it may not be a new one.
func TestAPOSTAfterARestoreIsSearchedForFirst(t *testing.T) {
	t.Parallel()
	s := newStore(t, func(at *env) { at.searchUntil = time.Now().Add(time.Hour) })
	before := s.paid(t, "forgotten")
	s.lose(t, before.ID)
	s.forgets(before.ID)
	_, err := s.Temporal.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: s.at.namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: workflows.WorkflowID(before.ID)},
	})
	require.NoError(t, err)
	eventually(t, func() bool { return !s.signalled(t, before.ID) }, "the run is deleted")
	s.again(t, "forgotten", nil)
	s.await(t, before.ID, payment.Approved)
	s.requireOneCharge(t, before.ID)
}

// again posts the same once more, and lost is what the database lacks of an earlier answer.
func (s store) again(t *testing.T, key string, lost *workflows.Answer) *workflows.Answer {
	t.Helper()
	in := wish(key)
	in.Wait, in.Lost = timeout, lost
	answer := s.mustCreate(t, in)
	require.NotNil(t, answer)
	return answer
}

// A run that was ended in the middle of a charge does not answer for the next POST, nor for one that waits.
func TestAPOSTAfterARunWasEndedStartsAnother(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for name, end := range map[string]func(id string) error{
		"cancelled": func(id string) error { return s.Temporal.CancelWorkflow(t.Context(), workflows.WorkflowID(id), "") },
		"terminated": func(id string) error {
			return s.Temporal.TerminateWorkflow(t.Context(), workflows.WorkflowID(id), "", "test")
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := wish(name)
			s.provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindErrorAfter, Times: 1, ExternalReference: in.PaymentID})
			s.provider.AddFault(simulator.Fault{On: simulator.Create, Kind: simulator.KindError, ExternalReference: in.PaymentID})
			eventually(t, func() bool {
				answer, err := s.Workflows.Create(t.Context(), in)
				return err == nil && answer == nil
			}, "the charge is in the middle")

			in.Wait = timeout
			waiting := make(chan *workflows.Answer, 1)
			go func() {
				answer, err := s.Workflows.Create(t.Context(), in)
				if err == nil {
					waiting <- answer
				}
				close(waiting)
			}()
			eventually(t, func() bool { return s.updates(t, in.PaymentID) > 0 }, "the POST waits")
			s.provider.SetFaults(nil)
			require.NoError(t, end(in.PaymentID))
			for _, answer := range []*workflows.Answer{<-waiting, s.mustCreate(t, in)} {
				require.NotNil(t, answer)
				require.Equal(t, payment.Pending, answer.Status)
			}
			s.requireOneCharge(t, in.PaymentID)
		})
	}
}

func (s store) mustCreate(t *testing.T, in workflows.CreateInput) *workflows.Answer {
	t.Helper()
	answer, err := s.Workflows.Create(t.Context(), in)
	require.NoError(t, err)
	return answer
}

// updates counts the updates that the newest run of a payment has accepted.
func (s store) updates(t *testing.T, id string) (n int) {
	t.Helper()
	history := s.Temporal.GetWorkflowHistory(t.Context(), workflows.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		if event.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED {
			n++
		}
	}
	return n
}

// A run that fails leaves its payment to a person. A POST that waits for it starts no other, which would fail, too.
func TestAPOSTDoesNotRepeatARunThatFails(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	taken := s.create(t, "taken")
	in := wish("taken")
	in.PaymentID, in.Wait = payment.NewID("shop", "another ID for the same key"), timeout
	answer, err := s.Workflows.Create(t.Context(), in)
	require.Nil(t, answer)
	require.Equal(t, failure.Unavailable, failure.KindOf(err), "%v", err)
	s.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_FAILED)
	require.Equal(t, 1, s.runs(t, in.PaymentID))
	s.requireOneCharge(t, taken.ID)
}

// runs counts the runs of a payment, which Temporal's list comes to show.
func (s store) runs(t *testing.T, id string) (n int) {
	t.Helper()
	eventually(t, func() bool {
		count, err := s.Temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: `WorkflowId = "` + workflows.WorkflowID(id) + `" and ExecutionStatus != "Running"`,
		})
		n = int(count.GetCount())
		return err == nil && n > 0
	}, "the list shows the run")
	return n
}

// Signals that come in while a POST's run does its work make its workflow tasks fail, which is no news to the POST.
func TestSignalsDoNotDisturbAPOST(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var group errgroup.Group
	for i := range 14 {
		in := wish(fmt.Sprint("disturbed-", i))
		in.Wait = timeout
		group.Go(func() error {
			answer, err := s.Workflows.Create(t.Context(), in)
			if err == nil && answer == nil {
				err = errors.New("no answer")
			}
			return err
		})
		group.Go(func() error {
			for range 30 {
				if err := s.Workflows.Signal(t.Context(), in.PaymentID); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}
