package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

const timeToEnter = time.Hour

func waitingForCard() (*fakeActivities, *payment.Creation) {
	c := creation()
	c.Request.Method = payment.Method{Type: payment.Card, ExpiresIn: int(timeToEnter / time.Second), Card: &payment.CardMethod{OnPage: true, Installments: 1}}
	return &fakeActivities{expires: started.Add(timeToEnter)}, c
}

// enter sends a card after a while, and reports the outcome.
func enter(env *testsuite.TestWorkflowEnvironment, after time.Duration, print string, outcome func(error)) {
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow(UpdateCard, UpdateCard+print+after.String(), &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: outcome, OnComplete: func(_ any, err error) { outcome(err) },
		}, CardInput{Print: print, Secrets: payment.CardSecrets{Token: "token " + print}})
	}, after)
}

// Nobody enters a card. The provider is asked once, at the end, and the payment expires.
func TestAPaymentWhoseCardNobodyEntersExpires(t *testing.T) {
	w, c := waitingForCard()
	env := newEnv(t, w)
	start(env, c)
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Pending, payment.Expired}, w.history)
	require.Equal(t, timeToEnter+polls.AfterExpiry, env.Now().Sub(started).Truncate(time.Second))
	require.Equal(t, []string{"Open", "Look", "EndEntry"}, w.calls)
}

// The row is older than the charge, as after a restore. What the provider has counts.
func TestAPaymentThatWasChargedDoesNotExpire(t *testing.T) {
	w, c := waitingForCard()
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, time.Minute)
	start(env, c)
	require.Equal(t, []payment.Status{payment.Pending, payment.Approved}, w.history)
	require.Zero(t, w.count("EndEntry"))
}

// While the provider does not answer, it may have charged: the payment does not expire.
func TestAPaymentDoesNotExpireUnseen(t *testing.T) {
	w, c := waitingForCard()
	w.look = func(int) error { return refusal(failure.Internal) }
	env := newEnv(t, w)
	env.RegisterDelayedCallback(env.CancelWorkflow, 3*time.Hour)
	start(env, c)
	require.Equal(t, payment.Pending, w.row.Status)
	require.Zero(t, w.count("EndEntry"))
}

// Two cards come while the first is charged. The first is charged, with its own token and no other.
func TestOneCardIsChargedAtATime(t *testing.T) {
	w, c := waitingForCard()
	w.provider = payment.Approved
	env := newEnv(t, w)
	var first, second, again error
	enter(env, time.Minute, "one", func(err error) { first = err })
	enter(env, time.Minute, "two", func(err error) { second = err })
	enter(env, 2*time.Minute, "one", func(err error) { again = err })
	start(env, c)
	require.NoError(t, first)
	require.NoError(t, again)
	require.Equal(t, failure.Conflict, KindOf(second))
	require.Equal(t, []payment.Status{payment.Pending, payment.Processing, payment.Approved}, w.history)
	require.Len(t, w.asked, 1)
	require.Equal(t, "token one", w.asked[0].Secrets.Token)
	require.Equal(t, 1, w.asked[0].Attempt)
	require.False(t, w.asked[0].Again)
	require.False(t, w.asked[0].Search)
}

// A card without money, then one that the provider does not know, then a good one.
func TestTheBuyerEntersCardsUntilOneIsTaken(t *testing.T) {
	w, c := waitingForCard()
	env := newEnv(t, w)
	w.charge = func(n int) error {
		w.provider = []payment.Status{payment.Rejected, "", payment.Approved}[n-1]
		if n == 2 {
			return refusal(failure.Invalid)
		}
		return nil
	}
	var outcomes []error
	for i, print := range []string{"one", "two", "three"} {
		enter(env, time.Duration(i+1)*time.Minute, print, func(err error) { outcomes = append(outcomes, err) })
	}
	start(env, c)
	require.Equal(t, []error{nil, nil, nil}, outcomes)
	require.Equal(t, []payment.Status{payment.Pending, payment.Processing, payment.Pending, payment.Processing, payment.Pending, payment.Processing, payment.Approved}, w.history)
	require.Len(t, w.rejected, 2)
	require.Equal(t, []string{providerID, ""}, []string{w.rejected[0].ProviderPaymentID, w.rejected[1].ProviderPaymentID})
	require.Equal(t, []int{1, 2}, []int{w.rejected[0].Attempt, w.rejected[1].Attempt})
}

// An operator holds the payment: no card is taken until the hold ends.
func TestAHeldPaymentTakesNoCard(t *testing.T) {
	w, c := waitingForCard()
	w.provider = payment.Approved
	env := newEnv(t, w)
	send(env, time.Minute, command.Hold, `{"actor": "ana", "reason": "fraud?"}`)
	var held, later error
	enter(env, 2*time.Minute, "one", func(err error) { held = err })
	send(env, 3*time.Minute, command.Release, `{"actor": "ana", "reason": "no fraud"}`)
	enter(env, 4*time.Minute, "one", func(err error) { later = err })
	w.look = func(int) error { return refusal(failure.Internal) } // the provider is asked after the hold
	start(env, c)
	require.Equal(t, failure.Conflict, KindOf(held))
	require.NoError(t, later)
	require.Equal(t, payment.Approved, w.row.Status)
}

// A run that was reset believes that a cancelled payment still waits for a card. The next look tells.
func TestACancelledPaymentWaitsForNoCard(t *testing.T) {
	w, c := waitingForCard()
	env := newEnv(t, w)
	signal(env, time.Minute, func() { w.row.Status = payment.Cancelled })
	start(env, c)
	require.NoError(t, env.GetWorkflowError())
	require.Less(t, env.Now().Sub(started), timeToEnter)
	require.Zero(t, w.count("EndEntry"))
}

// A signal about a card that was rejected before changes nothing.
func TestALookWhileACardIsAwaitedChangesNothing(t *testing.T) {
	w, c := waitingForCard()
	env := newEnv(t, w)
	signal(env, time.Minute, func() {})
	start(env, c)
	require.Equal(t, []payment.Status{payment.Pending, payment.Expired}, w.history)
}
