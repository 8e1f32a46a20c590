package workflows

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// archive stands in for the database: it has so many rounds of old dead letters. Its methods carry the names of the activities.
type archive struct {
	rounds int
	prune  func(attempt int) error // nil: works
	calls  []string
	keep   payment.Retention
}

func (a *archive) MakeMonths(context.Context) ([]string, error) {
	a.calls = append(a.calls, "months")
	return []string{"2026_04"}, nil
}

func (a *archive) Prune(_ context.Context, keep payment.Retention) (activities.PruneOutput, error) {
	a.calls, a.keep = append(a.calls, "prune"), keep
	if a.prune != nil {
		if err := a.prune(len(a.calls) - 1); err != nil {
			return activities.PruneOutput{}, err
		}
	}
	a.rounds--
	return activities.PruneOutput{Pruned: payment.Pruned{Partitions: 1, DeadLetters: 2}, More: a.rounds > 0}, nil
}

func (a *archive) run(t *testing.T, keep payment.Retention) (payment.Pruned, error) {
	t.Helper()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(Prune)
	env.RegisterActivity(a)
	env.SetTestTimeout(20 * time.Second)
	env.ExecuteWorkflow(Prune, keep)
	var pruned payment.Pruned
	if err := env.GetWorkflowError(); err != nil {
		return pruned, err
	}
	return pruned, env.GetWorkflowResult(&pruned)
}

func TestPruningGoesOnUntilNothingIsOld(t *testing.T) {
	t.Parallel()
	a := &archive{rounds: 3}
	keep := payment.Retention{DeadLetters: 400 * 24 * time.Hour}
	pruned, err := a.run(t, keep)
	require.NoError(t, err)
	require.Equal(t, []string{"months", "prune", "prune", "prune"}, a.calls)
	require.Equal(t, payment.Pruned{Partitions: 3, DeadLetters: 6}, pruned)
	require.Equal(t, keep, a.keep)
}

func TestPruningWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	a := &archive{rounds: 2, prune: func(attempt int) error {
		if attempt > 1 && attempt < 6 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	pruned, err := a.run(t, payment.Retention{})
	require.NoError(t, err)
	require.Equal(t, payment.Pruned{Partitions: 2, DeadLetters: 4}, pruned)
}

// A run has an end, however much there is; the next day's goes on.
func TestOneRunPrunesSoMuchAndNoMore(t *testing.T) {
	t.Parallel()
	a := &archive{rounds: 10 * pruneRounds}
	pruned, err := a.run(t, payment.Retention{})
	require.NoError(t, err)
	require.Equal(t, pruneRounds, pruned.Partitions)
}
