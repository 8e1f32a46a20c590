package workflows

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// requireDead checks that a run has told operators of its end, once, and then failed in the same words.
func requireDead(t *testing.T, env *testsuite.TestWorkflowEnvironment, w *fakeActivities, cause deadletter.Cause) {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
	require.True(t, ok, "%v", env.GetWorkflowError())
	require.Equal(t, string(cause), app.Type())
	require.True(t, app.NonRetryable())
	require.Len(t, w.letters, 1)
	letter := w.letters[0]
	require.Equal(t, cause, letter.Cause)
	require.Equal(t, app.Message(), letter.Error)
	require.Equal(t, paymentID, letter.PaymentID)
	require.NotEmpty(t, letter.WorkflowID)
	require.NotEmpty(t, letter.RunID)
	require.Equal(t, "run: "+letter.Error, letter.Trail[len(letter.Trail)-1].Error)
	require.Equal(t, "DeadLetter", w.calls[len(w.calls)-1])
}

func TestARunThatCannotGoOnLeavesADeadLetterAndFails(t *testing.T) {
	rows := map[string]struct {
		fakes *fakeActivities
		cause deadletter.Cause
	}{
		"the database contradicts":      {&fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }}, deadletter.CauseContradiction},
		"the database is away too long": {&fakeActivities{apply: func(int) error { return refusal(failure.Unavailable) }}, deadletter.CauseDependencyUnavailable},
		"the broker is away too long":   {&fakeActivities{older: true, publish: func(int) error { return transient(failure.Unavailable) }}, deadletter.CauseDependencyUnavailable},
		"the payment cannot be opened":  {&fakeActivities{open: func(int) error { return refusal(failure.Conflict) }}, deadletter.CauseContradiction},
		"a bug":                         {&fakeActivities{apply: func(int) error { return refusal(failure.Internal) }}, deadletter.CauseInternal},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := row.fakes
			env := newEnv(t, w)
			start(env, creation())
			requireDead(t, env, w, row.cause)
			require.Equal(t, 0, w.count("Fail"), "nobody says that the payment failed")
		})
	}
}

// Nothing is lost while the broker is unavailable, however long.
func TestARunWaitsUntilItsDeadLetterIsTaken(t *testing.T) {
	w := &fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }}
	w.bury = func(attempt int) error {
		if attempt <= 5 {
			return temporal.NewApplicationErrorWithOptions("away", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: budget / 2})
		}
		return nil
	}
	env := newEnv(t, w)
	start(env, creation())
	requireDead(t, env, w, deadletter.CauseContradiction)
	require.Greater(t, env.Now().Sub(started), 2*budget)
}

func TestACancelledRunLeavesNoDeadLetter(t *testing.T) {
	w := &fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }, bury: func(int) error { return transient(failure.Unavailable) }}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(env.CancelWorkflow, 10*time.Second)
	start(env, creation())
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()))
	require.Empty(t, w.letters)
}

// An outcome that nobody knows is told to operators, and the payment is looked for all the same.
func TestAnUnknownOutcomeIsReportedAndLookedForAllTheSame(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return transient(failure.Unavailable) }}
	w.look = func(attempt int) error {
		if attempt == 1 {
			return refusal(failure.Conflict)
		}
		return nil
	}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		require.Len(t, w.letters, 1)
		w.provider = payment.Approved
	}, 2*budget)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.history)
	require.Len(t, w.letters, 1)
	require.Equal(t, deadletter.CauseUnknownOutcome, w.letters[0].Cause)
	require.Equal(t, "charge: away", w.letters[0].Trail[0].Error)
	require.Equal(t, 1, w.letters[0].Trail[0].Attempt)
}

// While the broker is unavailable the payment is looked for all the same, and found; nobody need be told any more.
func TestABrokerThatIsAwayKeepsNobodyFromFindingThePayment(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }, bury: func(int) error { return transient(failure.Unavailable) }}
	env := newEnv(t, w)
	nudge(env, 20*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.history)
	require.Less(t, env.Now().Sub(started), time.Minute)
	require.Empty(t, w.letters)
	require.Positive(t, w.count("DeadLetter"))
}

// However long the broker is unavailable, operators are told of an outcome that stays unknown.
func TestPeopleAreToldOfAnUnknownOutcomeOnceTheBrokerIsBack(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
	w.bury = func(attempt int) error {
		if attempt <= 5 {
			return temporal.NewApplicationErrorWithOptions("away", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: budget / 2})
		}
		return nil
	}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		require.Len(t, w.letters, 1, "%v", w.tries)
		w.provider = payment.Approved
	}, 3*budget)
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Greater(t, w.looks, 24)
}

func TestATrailKeepsTheLatestFailures(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
	w.look = func(attempt int) error {
		if attempt <= 30 {
			return refusal(failure.Conflict)
		}
		w.provider = payment.Approved
		return nil
	}
	w.apply = func(int) error { return refusal(failure.Conflict) }
	env := newEnv(t, w)
	start(env, creation())
	require.Len(t, w.letters, 2)
	last := w.letters[1]
	require.Equal(t, deadletter.CauseContradiction, last.Cause)
	require.Len(t, last.Trail, longestTrail)
	require.Equal(t, 32, last.Trail[longestTrail-1].Attempt)
}
