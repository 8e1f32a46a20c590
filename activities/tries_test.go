package activities

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/simulator"
)

// quickly runs Look as a workflow's quick try.
func (w world) quickly(in LookInput) error {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	_, err := env.ExecuteLocalActivity(w.Look, in)
	return err
}

// While the provider is slow a quick try costs its short time once, and after that none is made; the step itself is.
func TestASlowProviderIsNotTriedQuicklyAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
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

	w.tries.slow.Store(0) // some time later
	require.NoError(t, w.quickly(in))
}

func TestQuickTriesTakeAFreePlaceOrNone(t *testing.T) {
	t.Parallel()
	tries, full, finish, ended := newTries(), make(chan struct{}), make(chan struct{}), make(chan error, triesAtOnce)
	for range triesAtOnce {
		go func() {
			ended <- tries.try(t.Context(), true, func(context.Context) error { full <- struct{}{}; <-finish; return nil })
		}()
	}
	for range triesAtOnce {
		<-full
	}
	unreachable := func(context.Context) error { return errors.New("it was tried") }
	require.Equal(t, payment.Unavailable, payment.KindOf(tries.try(t.Context(), true, unreachable)))
	close(finish)
	for range triesAtOnce {
		require.NoError(t, <-ended)
	}
	require.NoError(t, tries.try(t.Context(), true, func(context.Context) error { return nil }))
	require.Equal(t, payment.Unavailable, payment.KindOf(tries.try(t.Context(), false, unreachable)), "the breaker is not closed")
}
