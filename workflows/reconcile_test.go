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
	"github.com/onlywave/onlywave/internal/payment"
)

// fakeReconciliation stands in for the database and the provider: so many pages of changes. Its methods carry the names of the
// activities.
type fakeReconciliation struct {
	pages    int
	sweep    func(attempt int) error // nil: works
	alert    func(attempt int) error
	found    int // findings to report
	swept    []time.Time
	attempts map[string]int
	finished []payment.ReconciliationCounts
}

func (b *fakeReconciliation) try(activity string, fails func(int) error) error {
	if b.attempts == nil {
		b.attempts = map[string]int{}
	}
	b.attempts[activity]++
	if fails == nil {
		return nil
	}
	return fails(b.attempts[activity])
}

func (b *fakeReconciliation) BeginReconciliation(_ context.Context, in activities.BeginReconciliationInput) (activities.SweepInput, error) {
	_ = b.try("begin", nil)
	first := activities.SweepInput{RunID: in.RunID}
	first.Window.From, first.Window.To = started.Add(-15*time.Minute), started.Add(-in.Grace)
	return first, nil
}

func (b *fakeReconciliation) Sweep(_ context.Context, in activities.SweepInput) (activities.Swept, error) {
	if err := b.try("sweep", b.sweep); err != nil {
		return activities.Swept{}, err
	}
	b.swept = append(b.swept, in.Window.From)
	swept := activities.Swept{Seen: 50, Signalled: 2}
	if len(b.swept) < b.pages {
		rest := in
		rest.Window.From = in.Window.From.Add(time.Minute)
		swept.Rest = &rest
	}
	return swept, nil
}

func (b *fakeReconciliation) SettleFindings(context.Context) error { return b.try("settle", nil) }

func (b *fakeReconciliation) FinishReconciliation(_ context.Context, in activities.FinishReconciliationInput) (payment.ReconciliationCounts, error) {
	b.finished = append(b.finished, in.Counts)
	in.Counts.Missed = 7
	return in.Counts, b.try("finish", nil)
}

func (b *fakeReconciliation) AlertFindings(context.Context) ([]payment.Finding, error) {
	if err := b.try("alert", b.alert); err != nil || b.found == 0 {
		return nil, err
	}
	b.found--
	return []payment.Finding{{Kind: payment.OrphanPayment, ProviderPaymentID: providerID}}, nil
}

func (b *fakeReconciliation) env() *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(Reconcile)
	env.RegisterWorkflow(AlertFindings)
	env.RegisterActivity(b)
	env.SetTestTimeout(20 * time.Second)
	return env
}

func TestARunSeesItsWholeWindow(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{pages: 3}
	env := b.env()
	env.ExecuteWorkflow(Reconcile, ReconcileInput{Grace: 2 * time.Minute})
	require.NoError(t, env.GetWorkflowError())
	from := started.Add(-15 * time.Minute)
	require.Equal(t, []time.Time{from, from.Add(time.Minute), from.Add(2 * time.Minute)}, b.swept)
	require.Equal(t, []payment.ReconciliationCounts{{Seen: 150, Signalled: 6}}, b.finished)
	var counts payment.ReconciliationCounts
	require.NoError(t, env.GetWorkflowResult(&counts))
	require.Equal(t, payment.ReconciliationCounts{Seen: 150, Signalled: 6, Missed: 7}, counts)
}

// An outage in the middle: the page is asked for until it comes, and nothing is left out or counted twice.
func TestAnOutageOfTheProviderHoldsUpARun(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{pages: 2, sweep: func(attempt int) error {
		if attempt > 1 && attempt < 10 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	env := b.env()
	env.ExecuteWorkflow(Reconcile, ReconcileInput{})
	require.NoError(t, env.GetWorkflowError())
	require.GreaterOrEqual(t, env.Now().Sub(started), 2*time.Minute)
	require.Len(t, b.swept, 2)
	require.Equal(t, []payment.ReconciliationCounts{{Seen: 100, Signalled: 4}}, b.finished)
}

// A run that cannot see its whole window does not finish, so that the next one begins where this one did.
func TestALongOutageFailsARun(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{pages: 2, sweep: func(attempt int) error {
		if attempt > 1 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	env := b.env()
	env.ExecuteWorkflow(Reconcile, ReconcileInput{})
	require.Error(t, env.GetWorkflowError())
	require.Equal(t, failure.Unavailable, KindOf(env.GetWorkflowError()))
	require.LessOrEqual(t, env.Now().Sub(started), sweepBudget+time.Minute)
	require.Empty(t, b.finished)
}

func TestWhatIsFoundIsReportedUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{found: 2}
	env := b.env()
	env.ExecuteWorkflow(AlertFindings, Scheduled{})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, []int{1, 3}, []int{b.attempts["settle"], b.attempts["alert"]})
	var reported int
	require.NoError(t, env.GetWorkflowResult(&reported))
	require.Equal(t, 2, reported)
}

// A broker that is unavailable fails the report soon, where it is seen; what was settled is settled.
func TestAnUnavailableBrokerFailsTheReportSoon(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{alert: func(int) error { return transient(failure.Unavailable) }}
	env := b.env()
	env.ExecuteWorkflow(AlertFindings, Scheduled{})
	require.Equal(t, failure.Unavailable, KindOf(env.GetWorkflowError()))
	require.LessOrEqual(t, env.Now().Sub(started), 2*time.Minute)
	require.Equal(t, 1, b.attempts["settle"])
}

func TestALongRunGoesOnInAFreshOne(t *testing.T) {
	t.Parallel()
	b := &fakeReconciliation{pages: 3}
	env := b.env()
	b.sweep = func(attempt int) error {
		env.SetContinueAsNewSuggested(attempt == 2)
		return nil
	}
	env.ExecuteWorkflow(Reconcile, ReconcileInput{Grace: time.Minute})
	var fresh *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &fresh)
	require.Empty(t, b.finished)

	rest := activities.SweepInput{RunID: "the first"}
	rest.Window.From = b.swept[1].Add(time.Minute)
	env = b.env()
	b.sweep = nil
	env.ExecuteWorkflow(Reconcile, ReconcileInput{Grace: time.Minute, Counts: payment.ReconciliationCounts{Seen: 100, Signalled: 4}, Rest: &rest})
	require.NoError(t, env.GetWorkflowError())
	require.Equal(t, 1, b.attempts["begin"])
	require.Equal(t, []payment.ReconciliationCounts{{Seen: 150, Signalled: 6}}, b.finished)
}
