package worker

import (
	"context"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// types are the names of the types of workflows that are registered.
type types struct {
	worker.WorkflowRegistry
	names []string
}

func (r *types) RegisterWorkflowWithOptions(f any, _ workflow.RegisterOptions) {
	name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
	r.names = append(r.names, name[strings.LastIndex(name, ".")+1:])
}

// requireRefused has somebody without a key start a run, which ends before it has done anything.
func requireRefused(t *testing.T, w *Worker, keyless client.Client, id, name string, input ...any) {
	t.Helper()
	run, err := keyless.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: workflows.TaskQueue}, name, input...)
	require.NoError(t, err)
	waiting, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	err = w.Temporal.GetWorkflow(waiting, id, run.GetRunID()).Get(waiting, nil)
	require.Equal(t, failure.Forbidden, workflows.KindOf(err), "%s: %v", name, err)
	require.ErrorContains(t, err, "this run was not started by OnlyWave", name)
	for _, e := range events(t, keyless, id) {
		if e.GetEventType() == enums.EVENT_TYPE_MARKER_RECORDED {
			require.Equal(t, "Version", e.GetMarkerRecordedEventAttributes().GetMarkerName(), "%s: no local activity", name)
		}
		require.NotEqual(t, enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, e.GetEventType(), name)
	}
}

// Whoever reaches Temporal without the key starts nothing, whatever its type: neither with an input of their own nor with a copy of
// another run's.
func TestInLiveARunThatWeHaveNotStartedDoesNothing(t *testing.T) {
	t.Parallel()
	w, keyless := live(t)
	real := privately("real")
	_, err := w.Workflows.Create(t.Context(), real)
	require.NoError(t, err)
	forged := real.Creation
	forged.IdempotencyKey, forged.Request.Payer.Email = "forged", "somebody@example.com"
	paymentID := payment.NewID("shop", "forged")
	checkout := checkoutWish("real", false)
	_, err = w.Workflows.CreateCheckout(t.Context(), checkout)
	require.NoError(t, err)
	forgedCheckout := checkout.CheckoutCreation
	forgedCheckout.IdempotencyKey = "forged"
	checkoutID := payment.NewCheckoutID("shop", "forged")
	order := deadletter.Order{ID: deadletter.NewRedriveID("somebody", "forged"), Actor: "somebody"}
	inputs := map[string]struct {
		id    string
		input any
	}{
		"Payment":        {workflows.WorkflowID(paymentID), workflows.PaymentInput{PaymentID: paymentID, Creation: &forged}},
		"Checkout":       {workflows.CheckoutWorkflowID(checkoutID), workflows.CheckoutInput{CheckoutID: checkoutID, Creation: &forgedCheckout}},
		"Email":          {workflows.EmailWorkflowID(real.PaymentID + "/receipt"), activities.EmailInput{Name: real.PaymentID + "/receipt", Notice: payment.Receipt, PaymentID: real.PaymentID}},
		"Redrive":        {workflows.RedriveWorkflowID(order.ID), workflows.RedriveInput{Order: order}},
		"Reconcile":      {"reconcile-forged", workflows.ReconcileInput{Grace: time.Minute}},
		"SignalQuiet":    {"signal-quiet-forged", activities.QuietInput{}},
		"ReopenStranded": {"reopen-stranded-forged", workflows.Scheduled{}},
		"AlertFindings":  {"alert-findings-forged", workflows.Scheduled{}},
		"SettleMoney":    {"settle-money-forged", workflows.Scheduled{}},
		"WatchDisputes":  {"watch-disputes-forged", workflows.Scheduled{}},
		"Prune":          {"prune-forged", payment.Retention{Notifications: time.Second}},
	}
	var all types
	workflows.Register(&all, false)
	require.Len(t, inputs, len(all.names))
	for _, name := range all.names {
		in, ok := inputs[name]
		require.True(t, ok, name)
		requireRefused(t, w, keyless, in.id, name, in.input)
		requireRefused(t, w, keyless, in.id, name) // without input
	}
	_, err = w.Database.Payment(t.Context(), paymentID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))
	_, err = w.Database.Checkout(t.Context(), checkoutID)
	require.Equal(t, failure.NotFound, failure.KindOf(err))

	mail := activities.EmailInput{Name: real.PaymentID + "/instructions", Notice: payment.HowToPay, PaymentID: real.PaymentID}
	require.NoError(t, w.Workflows.StartEmail(t.Context(), mail))
	dryRun := deadletter.Order{ID: deadletter.NewRedriveID("ana", "1"), Actor: "ana", Plan: deadletter.Plan{DryRun: true}}
	_, err = w.Workflows.Redrive(t.Context(), dryRun)
	require.NoError(t, err)
	for name, from := range map[string]string{
		"Payment": workflows.WorkflowID(real.PaymentID), "Checkout": workflows.CheckoutWorkflowID(checkout.CheckoutID), "Email": workflows.EmailWorkflowID(mail.Name), "Redrive": workflows.RedriveWorkflowID(dryRun.ID),
	} {
		copied := events(t, keyless, from)[0].GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0]
		requireRefused(t, w, keyless, inputs[name].id, name, converter.NewRawValue(copied))
	}

	forged.Request.Payer = real.Request.Payer
	own := real
	own.Creation, own.PaymentID = forged, paymentID
	_, err = w.Workflows.Create(t.Context(), own)
	require.NoError(t, err, "the client app's own request is as good as before")
}

// What our own schedules start is encrypted by the client that makes them.
func TestInLiveWhatTheSchedulesStartRuns(t *testing.T) {
	t.Parallel()
	w, _ := live(t)
	require.NoError(t, workflows.KeepReconciling(t.Context(), w.Temporal, 24*time.Hour, time.Minute))
	require.NoError(t, workflows.KeepPruning(t.Context(), w.Temporal, payment.Retention{}))
	require.NoError(t, workflows.ReconcileNow(t.Context(), w.Temporal))
	require.NoError(t, w.Temporal.ScheduleClient().GetHandle(t.Context(), workflows.SchedulePrune).Trigger(t.Context(), client.ScheduleTriggerOptions{}))
	for _, id := range []string{
		workflows.ScheduleReconcile, workflows.ScheduleSignalQuiet, workflows.ScheduleReopenStranded, workflows.ScheduleAlertFindings,
		workflows.ScheduleSettleMoney, workflows.ScheduleWatchDisputes, workflows.SchedulePrune,
	} {
		schedule := w.Temporal.ScheduleClient().GetHandle(t.Context(), id)
		var started *client.ScheduleWorkflowExecution
		eventually(t, func() bool {
			is, err := schedule.Describe(t.Context())
			if err == nil && len(is.Info.RecentActions) > 0 {
				started = is.Info.RecentActions[0].StartWorkflowResult
			}
			return started != nil
		}, id)
		require.NoError(t, w.Temporal.GetWorkflow(t.Context(), started.WorkflowID, started.FirstExecutionRunID).Get(t.Context(), nil), id)
	}
}

// A run from before the first key goes on, also in a worker that has not seen its beginning.
func TestInLiveARunFromBeforeTheFirstKeyGoesOn(t *testing.T) {
	t.Parallel()
	at, provider := newOwnEnv(t)
	w := openShop(t, at)
	stop := run(t, w)
	before := workflows.NewClient(dial(t, at), workflows.Polls{First: time.Minute, Max: time.Hour, AfterExpiry: time.Minute})
	in := wish("before")
	in.Wait = timeout
	_, err := before.Create(t.Context(), in)
	require.NoError(t, err)
	stop()

	again, _ := newWorker(t, at)
	again.AuthenticOnly = true
	run(t, again)
	p, err := again.Database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.NoError(t, provider.Pay(p.Provider.PaymentID))
	require.NoError(t, again.Workflows.Signal(t.Context(), in.PaymentID))
	again.awaitRun(t, in.PaymentID, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	p, err = again.Database.Payment(t.Context(), in.PaymentID)
	require.NoError(t, err)
	require.Equal(t, payment.Approved, p.Status)
}
