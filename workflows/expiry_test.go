package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// An unpaid Pix is closed at its own end, by one call where there was a look before.
func TestAPixIsClosedAtItsOwnEnd(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour), keepsEnd: true}
	env := newEnv(t, w)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Expired}, w.history)
	require.Equal(t, time.Hour+polls.AfterExpiry, env.Now().Sub(started).Truncate(time.Second))
	require.Equal(t, 1, w.count("Close"))
	require.Equal(t, 5, w.count("Look"), "at 1, 3, 7, 15 and 31 minutes")
}

func TestWhoPaysAtTheLastMomentHasPaid(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour), keepsEnd: true}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, time.Hour+time.Second)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.history)
	require.Equal(t, 1, w.count("Close"))
}

// A Pix that cannot be closed is tried again soon, and at every signal.
func TestAPixThatCannotBeClosedIsTriedAgain(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour), keepsEnd: true}
	w.close = func(attempt int) error {
		if attempt <= 2 {
			return refusal(failure.Conflict)
		}
		return nil
	}
	env := newEnv(t, w)
	signal(env, time.Hour+40*time.Second, func() {})
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Expired}, w.history)
	require.Equal(t, 3, w.count("Close"), "at its end, at the signal, and soon after it")
	require.Equal(t, time.Hour+42*time.Second, env.Now().Sub(started).Truncate(time.Second))
}

// A payment from before ends at the provider by itself, and is looked at then.
func TestAPixFromBeforeIsNotClosed(t *testing.T) {
	w := &fakeActivities{provider: payment.Pending, expires: started.Add(time.Hour), row: activities.State{
		Found: true, Status: payment.Pending, ProviderPaymentID: providerID, ExpiresAt: started.Add(time.Hour),
	}}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Expired }, time.Hour)
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Expired, w.row.Status)
	require.Zero(t, w.count("Close"))
}

// Its charge was in doubt, and it turns up after its end: it is closed like any other.
func TestAnUnknownPixThatTurnsUpAfterItsEndIsClosed(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour), keepsEnd: true, charge: func(int) error { return refusal(failure.Conflict) }}
	env := newEnv(t, w)
	signal(env, 2*time.Hour, func() { w.provider = payment.Pending })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Pending, payment.Expired}, w.history)
	require.Less(t, env.Now().Sub(started), 2*time.Hour+2*time.Minute)
}

// The database lacks the payment by then. The run writes it anew, finds the charge, and closes it.
func TestAPixWhoseRowIsLostIsWrittenAnewAtItsEnd(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour), keepsEnd: true}
	w.close = func(attempt int) error {
		if attempt == 1 {
			w.row = activities.State{}
			return refusal(failure.NotFound)
		}
		return nil
	}
	env := newEnv(t, w)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Expired, w.row.Status)
	require.Equal(t, 2, w.count("Close"))
	require.Equal(t, 2, w.count("Charge"))
	require.Less(t, env.Now().Sub(started), time.Hour+2*time.Minute)
}

// A run that does not know what was asked for cannot write the row anew, and leaves it to a person.
func TestAPixWhoseRowIsLostIsADeadLetterAtItsEnd(t *testing.T) {
	w := &fakeActivities{provider: payment.Pending, expires: started.Add(time.Hour), keepsEnd: true, row: activities.State{
		Found: true, Status: payment.Pending, ProviderPaymentID: providerID, ExpiresAt: started.Add(time.Hour), KeepsEnd: true,
	}}
	w.close = func(int) error { return refusal(failure.NotFound) }
	env := newEnv(t, w)
	start(env, nil)

	require.Error(t, env.GetWorkflowError())
	require.Equal(t, 1, w.count("DeadLetter"))
}
