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
)

// released has payments whose money is released, by the batch. Its method carries the name of the activity.
type released struct {
	batches []int
	calls   int
}

func (r *released) SettleMoney(context.Context) (activities.MoneySettled, error) {
	if r.calls++; r.calls == 2 {
		return activities.MoneySettled{}, transient(failure.Unavailable)
	}
	out := activities.MoneySettled{Payments: r.batches[0], More: len(r.batches) > 1}
	r.batches = r.batches[1:]
	return out, nil
}

func TestAllReleasedMoneyIsSettled(t *testing.T) {
	t.Parallel()
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(SettleMoney)
	env.RegisterActivity(&released{batches: []int{200, 200, 7}})
	env.SetTestTimeout(20 * time.Second)
	env.ExecuteWorkflow(SettleMoney, Scheduled{})
	require.NoError(t, env.GetWorkflowError())
	var settled int
	require.NoError(t, env.GetWorkflowResult(&settled))
	require.Equal(t, 407, settled)
}
