package activities

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/simulator"
)

// quickly runs Look as a workflow's quick try.
func (w env) quickly(in LookInput) error { return quickTry(w.Look, in) }

func quickTry(activity, in any) error {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	_, err := env.ExecuteLocalActivity(activity, in)
	return err
}

// doubtOf is what a failed charge says of itself.
func doubtOf(t *testing.T, err error) (d Doubt) {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, err)
	if app.HasDetails() {
		require.NoError(t, app.Details(&d))
	}
	return d
}

// A quick try of a charge that is cut short may have charged, and says nothing else; one that was not begun says so. The
// charge that follows repeats the key.
func TestAQuickChargeThatIsCutShortIsRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	w.Activities.charges.length = 100 * time.Millisecond
	id := w.opened(t)
	w.arm(id, simulator.Fault{On: simulator.Create, Kind: simulator.KindSlowAfter, Delay: time.Minute, Times: 1})
	cut := quickTry(w.Charge, ChargeInput{PaymentID: id})
	require.Error(t, cut)
	require.Zero(t, doubtOf(t, cut))

	require.Equal(t, 1, w.charges(id))
	require.Eventually(t, func() bool { return len(w.provider.Requests()) == 1 }, 10*time.Second, time.Millisecond)
	late := quickTry(w.Charge, ChargeInput{PaymentID: id})
	require.Equal(t, Doubt{Untried: true}, doubtOf(t, late), "the provider is slow")
	require.Len(t, w.provider.Requests(), 1)

	state, err := w.Charge(t.Context(), ChargeInput{PaymentID: id, Again: true})
	require.NoError(t, err)
	require.Equal(t, id, state.Reference)
	require.Equal(t, 1, w.charges(id))
}

// A refusal after a quick try may not be the whole story.
func TestARefusalAfterAQuickTryIsInDoubt(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id := w.opened(t)
	w.arm(id, refusal(http.StatusBadRequest))
	_, first := w.charge(t, id)
	require.Zero(t, doubtOf(t, first))
	_, again := w.Charge(t.Context(), ChargeInput{PaymentID: id, Again: true})
	require.Equal(t, Doubt{Earlier: true}, doubtOf(t, again))
}

// While the provider is slow a quick try costs its short time once, and after that none is made; the activity itself is.
func TestASlowProviderIsNotTriedQuicklyAgain(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	id, state := w.charged(t)
	in := LookInput{PaymentID: id, ProviderPaymentID: state.PaymentID, Money: money}
	require.NoError(t, w.quickly(in))
	w.arm(id, simulator.Fault{On: simulator.Get, Kind: simulator.KindSlow, Delay: time.Minute, Times: 1})
	require.Error(t, w.quickly(in))
	asked := len(w.provider.Requests())
	for range 20 {
		require.ErrorContains(t, w.quickly(in), "no quick try")
	}
	require.Len(t, w.provider.Requests(), asked)
	_, err := w.Look(t.Context(), in)
	require.NoError(t, err, "an activity of its own goes out")

	w.looks.slow.Store(0) // some time later
	require.NoError(t, w.quickly(in))
}

func TestQuickTriesTakeAFreePlaceOrNone(t *testing.T) {
	t.Parallel()
	tries, full, finish, ended := newTries(lookTime), make(chan struct{}), make(chan struct{}), make(chan error, triesAtOnce)
	for range triesAtOnce {
		go func() {
			ended <- tries.try(t.Context(), true, func(context.Context) error { full <- struct{}{}; <-finish; return nil })
		}()
	}
	for range triesAtOnce {
		<-full
	}
	unreachable := func(context.Context) error { return errors.New("it was tried") }
	require.Equal(t, failure.Unavailable, failure.KindOf(tries.try(t.Context(), true, unreachable)))
	close(finish)
	for range triesAtOnce {
		require.NoError(t, <-ended)
	}
	require.NoError(t, tries.try(t.Context(), true, func(context.Context) error { return nil }))
	require.Equal(t, failure.Unavailable, failure.KindOf(tries.try(t.Context(), false, unreachable)), "the breaker is not closed")
}
