package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

var aChargeback = payment.DisputeRef{Kind: payment.Chargeback, ID: "233000061680860000"}

// paidFor is a payment of the fakes that is paid.
func paidFor(status payment.Status) *fakeActivities {
	return &fakeActivities{
		row:      activities.State{Found: true, Status: status, Method: payment.Pix, Money: payment.Money{Centavos: 1050, Currency: payment.BRL}, ProviderPaymentID: providerID, Version: 3},
		provider: status,
	}
}

// A notification about a dispute has the payment looked at, and its disputes read; many about the same one are read once.
func TestANotificationAboutADisputeHasItRead(t *testing.T) {
	t.Parallel()
	w := paidFor(payment.Approved)
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		w.provider = payment.ChargedBack
		for range 3 {
			env.SignalWorkflow(SignalDispute, aChargeback)
		}
		env.SignalWorkflow(SignalLook, nil)
	}, 0)
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.ChargedBack, w.row.Status)
	require.NotEmpty(t, w.disputes)
	require.Equal(t, []payment.DisputeRef{aChargeback}, w.disputes[len(w.disputes)-1].Told)
	require.LessOrEqual(t, len(w.disputes), 2)
}

// A look that finds a payment in a dispute, or out of one, reads the disputes without a notification.
func TestALookThatFindsADisputeHasItRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		before, after payment.Status
		reads         int
	}{
		{payment.Approved, payment.InDispute, 1}, {payment.Approved, payment.ChargedBack, 1}, {payment.InDispute, payment.Approved, 1},
		{payment.ChargedBack, payment.Refunded, 1}, {payment.Approved, payment.Refunded, 0}, {payment.ChargedBack, payment.ChargedBack, 0},
	} {
		w := paidFor(row.before)
		env := newEnv(t, w)
		signal(env, 0, func() { w.provider = row.after })
		start(env, nil)
		require.NoError(t, env.GetWorkflowError())
		require.Len(t, w.disputes, row.reads, "%s → %s", row.before, row.after)
	}
}

// Trouble with the disputes is no trouble of the payment's.
func TestDisputesThatCannotBeReadEndNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []failure.Kind{failure.Forbidden, failure.Invalid, failure.NotFound, failure.Unavailable} {
		w := paidFor(payment.Approved)
		w.keep = func(attempt int) error {
			if kind == failure.Unavailable && attempt < 5 {
				return transient(kind)
			} else if kind == failure.Unavailable {
				return nil
			}
			return refusal(kind)
		}
		env := newEnv(t, w)
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(SignalDispute, aChargeback) }, 0)
		start(env, nil)
		require.NoError(t, env.GetWorkflowError(), kind)
		require.Empty(t, w.deadLetters)
		if kind == failure.Unavailable {
			require.Equal(t, 5, w.count("KeepDisputes"))
		}
	}
}

// What the buyer has not paid yet is stopped; what was paid stays until a person decides.
func TestAFraudAlertStopsWhatCanBeStopped(t *testing.T) {
	t.Parallel()
	for status, after := range map[payment.Status]payment.Status{
		payment.Pending:  payment.Expired, // as the fakes close
		payment.Approved: payment.Approved, payment.Refunded: payment.Refunded,
	} {
		w := paidFor(status)
		env := newEnv(t, w)
		attempts := 0
		w.close = func(int) error {
			if attempts++; attempts < 4 {
				return transient(failure.Unavailable) // the provider does not warn twice
			}
			return nil
		}
		for range 2 {
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(SignalDispute, payment.DisputeRef{Kind: payment.FraudAlert}) }, 0)
		}
		start(env, nil)
		require.NoError(t, env.GetWorkflowError())
		require.Equal(t, after, w.row.Status)
		require.Equal(t, []payment.DisputeRef{{Kind: payment.FraudAlert}}, w.disputes[len(w.disputes)-1].Told)
		require.Equal(t, status == payment.Pending, w.count("Close") > 0, status)
	}
}

// Of reserved money less may have been captured meanwhile, which is believed only if it is known that the money was reserved.
func TestAFraudAlertGivesUpReservedMoney(t *testing.T) {
	t.Parallel()
	w := paidFor(payment.Authorized)
	w.row.Method, w.row.Reserves = payment.Card, true
	env := newEnv(t, w)
	w.close = func(int) error { w.provider = payment.Cancelled; return nil }
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(SignalDispute, payment.DisputeRef{Kind: payment.FraudAlert}) }, 0)
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Cancelled, w.row.Status)
	require.True(t, w.closed.Reserved)
}

func TestADisputeOfAPaymentThatIsHeldWaits(t *testing.T) {
	t.Parallel()
	w := paidFor(payment.Pending)
	w.row.Hold = payment.Hold{Until: started.Add(time.Hour), Actor: "ana", Reason: "no", At: started}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(SignalDispute, payment.DisputeRef{Kind: payment.FraudAlert}) }, time.Minute)
	env.RegisterDelayedCallback(func() { require.Zero(t, w.count("Close")+w.count("Look")) }, 59*time.Minute)
	start(env, nil)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Expired, w.row.Status)
	require.Len(t, w.disputes, 1)
}
