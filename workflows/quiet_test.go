package workflows

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// silence stands in for the database: so many pages of quiet payments, of each of which some have no run.
type silence struct {
	pages int
	asked []activities.QuietInput
	fails func(attempt int) error
}

func (s *silence) SignalQuiet(_ context.Context, in activities.QuietInput) (activities.Quiet, error) {
	s.asked = append(s.asked, in)
	if s.fails != nil {
		if err := s.fails(len(s.asked)); err != nil {
			return activities.Quiet{}, err
		}
	}
	quiet := activities.Quiet{Checked: 1000, Signalled: 50}
	if len(s.asked) < s.pages {
		quiet.Rest = &postgres.QuietPosition{At: started.Add(time.Duration(len(s.asked)) * time.Minute), ID: paymentID}
		quiet.Pause = 5 * time.Second
	}
	return quiet, nil
}

func (s *silence) env() *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(SignalQuiet)
	env.RegisterActivity(s)
	env.SetTestTimeout(20 * time.Second)
	return env
}

func TestAllQuietPaymentsAreLookedAtAtAPace(t *testing.T) {
	t.Parallel()
	s := &silence{pages: 4}
	env := s.env()
	env.ExecuteWorkflow(SignalQuiet, activities.QuietInput{})
	require.NoError(t, env.GetWorkflowError())
	var quiet activities.Quiet
	require.NoError(t, env.GetWorkflowResult(&quiet))
	require.Equal(t, activities.Quiet{Checked: 4000, Signalled: 200}, quiet)
	require.Equal(t, started.Add(3*time.Minute), s.asked[3].After.At)
	require.GreaterOrEqual(t, env.Now().Sub(started), 15*time.Second)
}

func TestAnUnavailableDatabaseFailsTheRunSoon(t *testing.T) {
	t.Parallel()
	s := &silence{pages: 2, fails: func(int) error { return transient(failure.Unavailable) }}
	env := s.env()
	env.ExecuteWorkflow(SignalQuiet, activities.QuietInput{})
	require.Equal(t, failure.Unavailable, KindOf(env.GetWorkflowError()))
	require.LessOrEqual(t, env.Now().Sub(started), 16*time.Minute)
}

func TestALongLookThroughQuietPaymentsGoesOnInAFreshRun(t *testing.T) {
	t.Parallel()
	s := &silence{pages: 4}
	env := s.env()
	s.fails = func(attempt int) error {
		env.SetContinueAsNewSuggested(attempt == 2)
		return nil
	}
	env.ExecuteWorkflow(SignalQuiet, activities.QuietInput{})
	var fresh *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &fresh)
	require.Len(t, s.asked, 2)
}
