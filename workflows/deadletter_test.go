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

// requireDead checks that a run has sent one dead letter and has then failed with the same message.
func requireDead(t *testing.T, env *testsuite.TestWorkflowEnvironment, w *fakeActivities, cause deadletter.Cause) {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](env.GetWorkflowError())
	require.True(t, ok, "%v", env.GetWorkflowError())
	require.Equal(t, string(cause), app.Type())
	require.True(t, app.NonRetryable())
	require.Len(t, w.deadLetters, 1)
	sent := w.deadLetters[0]
	require.Equal(t, cause, sent.Cause)
	require.Equal(t, app.Message(), sent.Error)
	require.Equal(t, paymentID, sent.PaymentID)
	require.NotEmpty(t, sent.WorkflowID)
	require.NotEmpty(t, sent.RunID)
	require.Equal(t, "run: "+sent.Error, sent.Trail[len(sent.Trail)-1].Error)
	require.Equal(t, "DeadLetter", w.calls[len(w.calls)-1])
}

func TestARunThatCannotGoOnLeavesADeadLetterAndFails(t *testing.T) {
	rows := map[string]struct {
		fakes *fakeActivities
		cause deadletter.Cause
	}{
		"the database contradicts":             {&fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }}, deadletter.CauseContradiction},
		"the database is unavailable too long": {&fakeActivities{apply: func(int) error { return refusal(failure.Unavailable) }}, deadletter.CauseDependencyUnavailable},
		"the broker is unavailable too long":   {&fakeActivities{older: true, publish: func(int) error { return transient(failure.Unavailable) }}, deadletter.CauseDependencyUnavailable},
		"the payment cannot be opened":         {&fakeActivities{open: func(int) error { return refusal(failure.Conflict) }}, deadletter.CauseContradiction},
		"a bug":                                {&fakeActivities{apply: func(int) error { return refusal(failure.Internal) }}, deadletter.CauseInternal},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := row.fakes
			env := newEnv(t, w)
			start(env, creation())
			requireDead(t, env, w, row.cause)
			require.Equal(t, 0, w.count("Fail"), "the payment is not marked as failed")
		})
	}
}

// Nothing is lost while the broker is unavailable, however long.
func TestARunWaitsUntilItsDeadLetterIsTaken(t *testing.T) {
	w := &fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }}
	w.deadLetter = func(attempt int) error {
		if attempt <= 5 {
			return temporal.NewApplicationErrorWithOptions("unavailable", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: budget / 2})
		}
		return nil
	}
	env := newEnv(t, w)
	start(env, creation())
	requireDead(t, env, w, deadletter.CauseContradiction)
	require.Greater(t, env.Now().Sub(started), 2*budget)
}

func TestACancelledRunLeavesNoDeadLetter(t *testing.T) {
	w := &fakeActivities{apply: func(int) error { return refusal(failure.Conflict) }, deadLetter: func(int) error { return transient(failure.Unavailable) }}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(env.CancelWorkflow, 10*time.Second)
	start(env, creation())
	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()))
	require.Empty(t, w.deadLetters)
}

// An unknown outcome is reported to operators, and the run goes on looking for the payment.
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
		require.Len(t, w.deadLetters, 1)
		w.provider = payment.Approved
	}, 2*budget)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.history)
	require.Len(t, w.deadLetters, 1)
	require.Equal(t, deadletter.CauseUnknownOutcome, w.deadLetters[0].Cause)
	require.Equal(t, "charge: unavailable", w.deadLetters[0].Trail[0].Error)
	require.Equal(t, 1, w.deadLetters[0].Trail[0].Attempt)
}

// While the broker is unavailable the run goes on looking for the payment, and finds it. A report is then needless.
func TestAnUnavailableBrokerDoesNotKeepARunFromFindingThePayment(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }, deadLetter: func(int) error { return transient(failure.Unavailable) }}
	env := newEnv(t, w)
	signal(env, 20*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.history)
	require.Less(t, env.Now().Sub(started), time.Minute)
	require.Empty(t, w.deadLetters)
	require.Positive(t, w.count("DeadLetter"))
}

// However long the broker is unavailable, an outcome that stays unknown is reported to operators.
func TestAnUnknownOutcomeIsReportedOnceTheBrokerHasRecovered(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
	w.deadLetter = func(attempt int) error {
		if attempt <= 5 {
			return temporal.NewApplicationErrorWithOptions("unavailable", string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: budget / 2})
		}
		return nil
	}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		require.Len(t, w.deadLetters, 1, "%v", w.tries)
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
	require.Len(t, w.deadLetters, 2)
	last := w.deadLetters[1]
	require.Equal(t, deadletter.CauseContradiction, last.Cause)
	require.Len(t, last.Trail, longestTrail)
	require.Equal(t, 32, last.Trail[longestTrail-1].Attempt)
}
