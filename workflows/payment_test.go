package workflows

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

func TestAPixIsChargedAndPaid(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
	signal(env, 30*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, answers)
	require.Equal(t, []string{"Open", "Charge", "Apply", "Look", "Apply"}, w.calls, "publishing is not part of the run")
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.history)
}

func TestALostWebhookCostsUntilTheNextPoll(t *testing.T) {
	w := &fakeActivities{expires: started.Add(24 * time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, 5*time.Minute)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 3, w.looks, "at 1, 3 and 7 minutes")
	require.Equal(t, 7*time.Minute, env.Now().Sub(started).Truncate(time.Second))
}

func TestPollsWidenAndTheEndIsAskedFor(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() { w.provider = payment.Expired }, time.Hour)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Expired}, w.history)
	require.Equal(t, time.Hour+30*time.Second, env.Now().Sub(started).Truncate(time.Second))
	require.Equal(t, 6, w.looks, "at 1, 3, 7, 15 and 31 minutes, and once after the end")
}

func TestManySignalsAreOneLook(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(func() {
		for range 100 {
			env.SignalWorkflow(SignalLook, nil)
		}
		w.provider = payment.Approved
	}, 10*time.Second)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.LessOrEqual(t, w.looks, 2, "100 signals")
}

func TestASignalBeforeTheChargeHasReturnedIsAnsweredAfterIt(t *testing.T) {
	w := &fakeActivities{provider: payment.Approved, row: activities.State{}}
	env := newEnv(t, w)
	w.charge = func(attempt int) error {
		if attempt == 1 {
			env.SignalWorkflow(SignalLook, nil)
			return transient(failure.Unavailable)
		}
		return nil
	}
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 2, w.count("Charge"))
	require.Equal(t, 1, w.looks)
	require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.history)
}

func TestARefusedChargeFailsThePayment(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Invalid) }}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Failed, w.row.Status)
	require.Equal(t, 1, answers)
	require.Equal(t, 1, w.count("Charge"))
}

// Silence, a key the provider calls spent, an answer about something else, a bug, a wrong credential:
// none of them says that no money moved.
func TestWhatIsNotARefusalLeavesThePaymentUnknownNeverFailed(t *testing.T) {
	for _, kind := range []failure.Kind{failure.Unavailable, failure.Limited, failure.Internal, failure.Unauthorized, failure.Forbidden, failure.Conflict} {
		t.Run(string(kind), func(t *testing.T) {
			w := &fakeActivities{}
			w.charge = func(int) error {
				if kind == failure.Conflict {
					return refusal(kind)
				}
				return transient(kind)
			}
			env := newEnv(t, w)
			// A day and a half later the provider turns out to have charged after all.
			signal(env, 36*time.Hour, func() { w.provider = payment.Approved })
			start(env, creation())

			require.NoError(t, env.GetWorkflowError())
			require.Equal(t, []payment.Status{payment.Processing, payment.Unknown, payment.Approved}, w.history)
			require.Zero(t, w.count("Fail"))
			require.Zero(t, w.charges)
		})
	}
}

func TestALookThatFailsIsRepeatedAsAnActivityOfItsOwn(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	w.look = func(attempt int) error {
		if attempt <= 3 {
			return transient(failure.Unavailable)
		}
		return nil
	}
	env := newEnv(t, w)
	signal(env, 10*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 4, w.count("Look"))
}

func TestAnAnswerAboutSomethingElseIsNotApplied(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	w.look = func(attempt int) error {
		if attempt == 1 {
			return refusal(failure.Conflict)
		}
		return nil
	}
	env := newEnv(t, w)
	signal(env, 10*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Pending, payment.Approved}, w.history)
	require.Equal(t, 2, w.count("Look"), "the signal's, and the next poll's")
}

// A run from before the outbox publishes the events that its activities have returned, as it always did.
func TestARunFromBeforeTheOutboxPublishesItsEventsInOrder(t *testing.T) {
	w := &fakeActivities{older: true, provider: payment.Approved}
	w.publish = func(attempt int) error {
		if attempt <= 5 {
			return transient(failure.Unavailable)
		}
		return nil
	}
	env := newEnv(t, w)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, w.statuses())
}

func TestARepeatedPOSTJoinsAndAnotherRequestIsAConflict(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	var joined, refused []error
	post(env, 0, creation().Request.Fingerprint(), func(err error) { joined = append(joined, err) })
	post(env, time.Second, creation().Request.Fingerprint(), func(err error) { joined = append(joined, err) })
	post(env, time.Second, "another", func(err error) { refused = append(refused, err) })
	signal(env, time.Minute/2, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []error{nil, nil}, joined)
	require.Len(t, refused, 1)
	app, ok := errors.AsType[*temporal.ApplicationError](refused[0])
	require.True(t, ok)
	require.Equal(t, string(failure.Conflict), app.Type())
	require.Equal(t, 1, w.charges)
}

// While Postgres does not answer, the run itself knows what was asked for: another request is refused at once.
func TestAnotherRequestIsRefusedBeforeThePaymentIsOpened(t *testing.T) {
	w := &fakeActivities{open: func(attempt int) error {
		if attempt <= 8 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	env := newEnv(t, w)
	env.SetStartTime(time.Now()) // the test suite ends the retries of a local activity by the machine's clock
	var refused error
	post(env, time.Second, "another", func(err error) {
		refused = err
		require.False(t, w.row.Found, "nothing was opened yet")
	})
	signal(env, time.Minute, func() { w.provider = payment.Approved })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	app, ok := errors.AsType[*temporal.ApplicationError](refused)
	require.True(t, ok, "%v", refused)
	require.Equal(t, string(failure.Conflict), app.Type())
}

// A payment may be unknown for months. Whoever has posted it does not wait for so long, nor does a fresh run.
func TestAPOSTDoesNotWaitForAnUnknownOutcome(t *testing.T) {
	w := &fakeActivities{charge: func(int) error { return refusal(failure.Conflict) }}
	env := newEnv(t, w)
	answers := 0
	for _, after := range []time.Duration{0, time.Hour} {
		post(env, after, creation().Request.Fingerprint(), func(err error) { require.NoError(t, err); answers++ })
	}
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 2*time.Hour)
	start(env, creation())

	var fresh *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &fresh)
	var in PaymentInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(fresh.Input, &in))
	require.Equal(t, creation(), in.Creation, "it can write a lost row anew")
	require.False(t, in.AskedAt.IsZero(), "and searches before it charges")
	require.Equal(t, payment.Unknown, w.row.Status)
	require.Equal(t, 2, answers)
}

func TestALateSignalStartsOneLookAtASettledPayment(t *testing.T) {
	w := &fakeActivities{provider: payment.Refunded, row: activities.State{Found: true, Status: payment.Approved, ProviderPaymentID: providerID}}
	env := newEnv(t, w)
	signal(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"Open", "Look", "Apply"}, w.calls)
	require.Equal(t, payment.Refunded, w.row.Status)
}

// Before the outbox, what a run had not published was left to the next, even if nothing else was to be done.
func TestWhatARunFromBeforeTheOutboxDidNotPublishIsPublishedFirst(t *testing.T) {
	w := &fakeActivities{row: activities.State{Found: true, Status: payment.Approved, ProviderPaymentID: providerID, Missed: []payment.Event{
		{PaymentID: paymentID, Seq: 2, Status: payment.Pending}, {PaymentID: paymentID, Seq: 3, Status: payment.Approved},
	}}}
	env := newEnv(t, w)
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"Open", "Publish"}, w.calls)
	require.Equal(t, []payment.Status{payment.Pending, payment.Approved}, w.statuses())
}

func TestAPOSTOnASettledPaymentAnswersAndEndsTheRun(t *testing.T) {
	fingerprint := creation().Request.Fingerprint()
	w := &fakeActivities{row: activities.State{Found: true, Status: payment.Approved, Fingerprint: fingerprint}}
	env := newEnv(t, w)
	answers := 0
	post(env, 0, fingerprint, func(err error) { require.NoError(t, err); answers++ })
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, answers)
	require.Equal(t, []string{"Open"}, w.calls)
}

// After a crash of everything, or a reset, the row says that the charge was asked for and not whether
// it was answered: it is asked for again, under the same key.
func TestASignalToAnUnfinishedPaymentChargesAgain(t *testing.T) {
	w := &fakeActivities{provider: payment.Approved, row: activities.State{Found: true, Status: payment.Processing}}
	env := newEnv(t, w)
	signal(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	require.Equal(t, 1, w.count("Charge"))
}

func TestASignalForAPaymentThatDoesNotExistEnds(t *testing.T) {
	w := &fakeActivities{}
	env := newEnv(t, w)
	signal(env, 0, func() {})
	start(env, nil)

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []string{"Open"}, w.calls)
}

func TestACancelledRunStopsWithoutTouchingThePayment(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	start(env, creation())

	require.True(t, temporal.IsCanceledError(env.GetWorkflowError()))
	require.Equal(t, payment.Pending, w.row.Status)
}

func TestTheQueryShowsWhatTheMailboxWaitsFor(t *testing.T) {
	w := &fakeActivities{expires: started.Add(time.Hour)}
	env := newEnv(t, w)
	var view View
	env.RegisterDelayedCallback(func() {
		answer, err := env.QueryWorkflow(QueryState)
		require.NoError(t, err)
		require.NoError(t, answer.Get(&view))
	}, 30*time.Second)
	signal(env, 40*time.Second, func() { w.provider = payment.Approved })
	start(env, creation())

	require.Equal(t, payment.Pending, view.Status)
	require.Equal(t, providerID, view.ProviderPaymentID)
	require.WithinDuration(t, started.Add(time.Minute), view.NextPoll, 2*time.Second)
}

func TestGapsDoubleUpToTheWidest(t *testing.T) {
	p := Polls{First: time.Minute, Max: 10 * time.Minute}
	var gaps []time.Duration
	for looks := range 6 {
		gaps = append(gaps, p.gap(looks)/time.Minute)
	}
	require.Equal(t, []time.Duration{1, 2, 4, 8, 10, 10}, gaps)
	require.True(t, slices.IsSorted(gaps))
	require.Equal(t, 10*time.Minute, p.gap(1000))
}

// The provider may not show yet what a signal was sent for. The run looks again soon, and a while later. The polls go on as if there
// had been no signal.
func TestASignalThatBringsNoNewsIsLookedAfter(t *testing.T) {
	w := &fakeActivities{expires: started.Add(24 * time.Hour)}
	env := newEnv(t, w)
	var at []time.Duration
	w.look = func(int) error {
		at = append(at, env.Now().Sub(started).Round(time.Second))
		return nil
	}
	signal(env, 10*time.Second, func() {})
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, 6*time.Minute)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, payment.Approved, w.row.Status)
	second := time.Second
	require.Equal(t, []time.Duration{10 * second, 12 * second, 22 * second, 60 * second, 82 * second, 180 * second, 420 * second}, at,
		"after 2, 10 and 60 s beside the polls at 1, 3 and 7 minutes")
}

func TestASignalWhoseNewsComeLateIsAnsweredInSeconds(t *testing.T) {
	w := &fakeActivities{expires: started.Add(24 * time.Hour)}
	env := newEnv(t, w)
	signal(env, 3*time.Minute+10*time.Second, func() {})
	env.RegisterDelayedCallback(func() { w.provider = payment.Approved }, 3*time.Minute+11*time.Second)
	start(env, creation())

	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 3*time.Minute+12*time.Second, env.Now().Sub(started).Truncate(time.Second))
}

// However many signals come, none of them moves the next poll.
func TestNoSignalMakesAPollLater(t *testing.T) {
	w := &fakeActivities{expires: started.Add(24 * time.Hour)}
	env := newEnv(t, w)
	polled := 0
	w.look = func(int) error {
		if env.Now().Sub(started).Round(time.Second) == time.Minute {
			polled++
			w.provider = payment.Approved
		}
		return nil
	}
	for after := 5 * time.Second; after < time.Minute; after += 7 * time.Second {
		signal(env, after, func() {})
	}
	start(env, creation())
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, polled)
}
