package activities

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
	"github.com/onlywave/onlywave/test/simulator"
)

func TestARefusedRefundFails(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	w.arm(p.ID, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 2031})
	in := refundOrder(p.ID, "return-1", 400)
	asked, err := w.AskRefund(t.Context(), in)
	require.NoError(t, err)
	send := RefundInput{PaymentID: p.ID, ID: asked.ID, Amount: asked.Amount}
	_, err = w.Refund(t.Context(), send)
	requireActivityError(t, err, failure.Invalid, false)
	require.False(t, earlier(t, err), "the first attempt was refused")
	_, err = w.Refund(t.Context(), send)
	require.True(t, earlier(t, err), "the first attempt may have been lost")

	for range 2 {
		m, err := w.EndRefund(t.Context(), RefundRefusal{GiveUpInput: GiveUpInput{PaymentID: p.ID, Why: "no money", Code: failure.CodeRefundBalance}, ID: asked.ID})
		require.NoError(t, err)
		require.Equal(t, Moved{Status: payment.Approved, Version: 5, Since: m.Since, Refunds: true}, m)
	}
	r := w.refunds(t, p.ID)[0]
	require.Equal(t, []any{payment.OutcomeRefused, failure.CodeRefundBalance, "no money"}, []any{r.Outcome, r.FailureCode, r.Failure})
	require.Equal(t, "refund.failed", w.eventTypes(t, p.ID)[4])
	asked, err = w.AskRefund(t.Context(), refundOrder(p.ID, "return-2", 1050))
	require.NoError(t, err, "the money is there again")
	require.False(t, asked.Ended)
}

// While the breaker is open nothing is sent, so that a refusal after it has closed is no doubt, at whichever attempt of the activity. A request
// that was reset may have been sent, and so may that of a process that has ended.
func TestARefundThatTheBreakerHoldsBackWasNotSent(t *testing.T) {
	t.Parallel()
	reset := simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindReset, Times: 1}
	for name, row := range map[string]struct {
		before      []simulator.Fault
		died, doubt bool
	}{
		"held back":                    {},
		"sent, then held back":         {before: []simulator.Fault{reset}, doubt: true},
		"the process died when it was": {died: true, doubt: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnv(t)
			p := w.paid(t)
			force := w.forced(t)
			asked, err := w.AskRefund(t.Context(), refundOrder(p.ID, "return-1", 400))
			require.NoError(t, err)
			send := RefundInput{PaymentID: p.ID, ID: asked.ID, Amount: asked.Amount}
			noBalance := simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 2031}
			w.arm(p.ID, append(row.before, noBalance)...)
			for range row.before {
				_, err = w.Refund(t.Context(), send)
				requireActivityError(t, err, failure.Unavailable, true)
			}
			if row.died {
				_, err = w.database.SendOperation(t.Context(), asked.ID, time.Now())
				require.NoError(t, err)
			}
			force(breaker.Refund, breaker.Open)
			suite := testsuite.WorkflowTestSuite{}
			suite.SetLogger(log.NewStructuredLogger(silent))
			env := suite.NewTestWorkflowEnvironment()
			env.SetTestTimeout(timeout)
			attempt := func(ctx context.Context) error {
				if activity.GetInfo(ctx).Attempt == 3 {
					require.Equal(t, row.doubt, !w.refunds(t, p.ID)[0].SentAt.IsZero())
					force(breaker.Refund, breaker.Closed)
				}
				_, err := w.Refund(ctx, send)
				return err
			}
			env.RegisterActivity(attempt)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: timeout})
				return workflow.ExecuteActivity(ctx, attempt).Get(ctx, nil)
			})
			failed, ok := errors.AsType[*temporal.ApplicationError](errors.Unwrap(env.GetWorkflowError()))
			require.True(t, ok, "%v", env.GetWorkflowError())
			require.Equal(t, string(failure.Invalid), failed.Type())
			var d Doubt
			require.NoError(t, failed.Details(&d))
			require.Equal(t, Doubt{Earlier: row.doubt, Code: failure.CodeRefundBalance}, d)
		})
	}
}

// The breaker lets the refund pass and holds back the read after it: the refund was sent.
func TestARefundWhoseReadIsHeldBackWasSent(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	p := w.paid(t)
	force := w.forced(t)
	force(breaker.Read, breaker.Open)
	in := refundOrder(p.ID, "return-1", 400)
	require.ErrorContains(t, w.refunding(t, in), "breaker")
	require.NotZero(t, w.refunds(t, p.ID)[0].SentAt)
	force(breaker.Read, breaker.Closed)
	require.NoError(t, w.refunding(t, in))
	sum, n := w.given(p.ID)
	require.Equal(t, []any{int64(400), 1}, []any{sum, n})
}

// forced returns a function that forces a breaker; another process of the fleet then takes the place of the activities.
func (w *env) forced(t *testing.T) func(name string, to breaker.State) {
	t.Helper()
	store := openStore(t, devstacktest.Start(t, devstack.Redis).RedisURL())
	return func(name string, to breaker.State) {
		fleet := breaker.NewFleet(store, string(to), silent)
		fleet.Audit = func(context.Context, audit.Entry) error { return nil }
		require.NoError(t, fleet.Force(t.Context(), audit.Actor{Name: "ana"}, name, breaker.Setting{To: to, Reason: "test"}))
		w.Activities = New(Config{Database: w.database, Provider: newGuardedClient(t, w.address, fleet, nil), Breakers: fleet})
	}
}

func earlier(t *testing.T, err error) bool {
	t.Helper()
	var d Doubt
	if app := application(t, err); app.HasDetails() {
		require.NoError(t, app.Details(&d))
	}
	return d.Earlier
}
