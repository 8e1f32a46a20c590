package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/failure"
)

// fakeDeadLetters stands in for the database: a number of open dead letters, and what becomes of them.
type fakeDeadLetters struct {
	mu       sync.Mutex
	open     int
	standing deadletter.Progress
	upto     []int
	at       []time.Time
	env      *testsuite.TestWorkflowEnvironment
	dies     int // so many of those that are sent die again
	fails    int
	fault    func(attempt int) error
	left     []string // why redrives were abandoned
}

func (p *fakeDeadLetters) SurveyDeadLetters(context.Context, activities.SurveyInput) (deadletter.Survey, error) {
	survey := deadletter.Survey{At: started}
	if p.open > 0 {
		survey.Causes = []deadletter.CauseCount{{Cause: deadletter.CauseInvalid, Count: p.open}}
	}
	return survey, nil
}

func (p *fakeDeadLetters) Redrive(_ context.Context, in deadletter.Batch) (deadletter.Progress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upto, p.at = append(p.upto, in.Upto), append(p.at, p.env.Now())
	if p.fault != nil {
		if err := p.fault(len(p.upto)); err != nil {
			return deadletter.Progress{}, err
		}
	}
	s := &p.standing
	s.Taken = min(in.Upto, p.open)
	s.Left = p.open - s.Taken
	s.Failed = min(p.fails, s.Taken)
	s.Sent = s.Taken - s.Failed
	s.DiedAgain = min(p.dies, s.Sent)
	return *s, nil
}

func (p *fakeDeadLetters) RedriveStanding(context.Context, deadletter.Batch) (deadletter.Progress, error) {
	return p.standing, nil
}

func (p *fakeDeadLetters) AbandonRedrive(_ context.Context, in activities.AbandonInput) error {
	p.left = append(p.left, in.Why)
	return nil
}

func newRedriveEnv() *testsuite.TestWorkflowEnvironment {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartTime(started)
	env.RegisterWorkflow(Redrive)
	return env
}

// redriven runs a redrive of the dead letters.
func (p *fakeDeadLetters) redriven(t *testing.T, plan deadletter.Plan) (RedriveProgress, error) {
	t.Helper()
	if p.env == nil {
		p.env = newRedriveEnv()
	}
	p.env.RegisterActivity(p)
	p.env.ExecuteWorkflow(Redrive, RedriveInput{Order: deadletter.Order{ID: "1", Actor: "ana", Plan: plan}})
	var progress RedriveProgress
	if err := p.env.GetWorkflowError(); err != nil {
		answer, queryErr := p.env.QueryWorkflow(QueryRedrive)
		require.NoError(t, queryErr)
		require.NoError(t, answer.Get(&progress))
		return progress, err
	}
	require.NoError(t, p.env.GetWorkflowResult(&progress))
	return progress, nil
}

func TestARedriveSendsInBatchesUntilNoneIsLeft(t *testing.T) {
	p := &fakeDeadLetters{open: 250}
	progress, err := p.redriven(t, deadletter.Plan{})
	require.NoError(t, err)
	require.Equal(t, RedriveDone, progress.State)
	require.Equal(t, 250, progress.Matching)
	require.Equal(t, deadletter.Progress{Taken: 250, Sent: 250}, progress.Standing)
	require.Equal(t, []int{100, 200, 300}, p.upto)
	require.Empty(t, p.left)
}

func TestARedriveOfNothingSaysSo(t *testing.T) {
	p := &fakeDeadLetters{}
	progress, err := p.redriven(t, deadletter.Plan{Canary: 3, CanaryWait: time.Minute})
	require.NoError(t, err)
	require.Equal(t, RedriveDone, progress.State)
	require.Equal(t, "no open dead letter is chosen", progress.Note)
	require.Empty(t, p.upto)
}

func TestADryRunOnlyCounts(t *testing.T) {
	p := &fakeDeadLetters{open: 250}
	progress, err := p.redriven(t, deadletter.Plan{DryRun: true, Canary: 3})
	require.NoError(t, err)
	require.Equal(t, RedriveDryRun, progress.State)
	require.Equal(t, 250, progress.Matching)
	require.Equal(t, []deadletter.CauseCount{{Cause: deadletter.CauseInvalid, Count: 250}}, progress.Causes)
	require.Empty(t, p.upto)
}

func TestACanaryThatDiesStopsTheRedrive(t *testing.T) {
	for name, p := range map[string]*fakeDeadLetters{"dies": {open: 250, dies: 1}, "fails": {open: 250, fails: 1}} {
		t.Run(name, func(t *testing.T) {
			progress, err := p.redriven(t, deadletter.Plan{Canary: 5, CanaryWait: time.Minute})
			require.NoError(t, err)
			require.Equal(t, RedriveStopped, progress.State)
			require.Equal(t, "1 of 5 canaries failed or died again", progress.Note)
			require.Equal(t, []int{5}, p.upto)
			require.GreaterOrEqual(t, p.env.Now().Sub(started), time.Minute)
		})
	}
}

func TestACanaryThatLivesLetsTheRestFollow(t *testing.T) {
	p := &fakeDeadLetters{open: 150}
	progress, err := p.redriven(t, deadletter.Plan{Canary: 5, CanaryWait: time.Minute})
	require.NoError(t, err)
	require.Equal(t, RedriveDone, progress.State)
	require.Equal(t, []int{5, 105, 205}, p.upto)
	require.GreaterOrEqual(t, p.at[1].Sub(p.at[0]), time.Minute)
}

func TestARedriveStopsAfterSoManyErrors(t *testing.T) {
	p := &fakeDeadLetters{open: 1000, fails: 150, dies: 100}
	progress, err := p.redriven(t, deadletter.Plan{StopAfter: 250})
	require.NoError(t, err)
	require.Equal(t, RedriveStopped, progress.State)
	require.Equal(t, "250 dead letters failed or died again", progress.Note)
	require.Equal(t, deadletter.Progress{Taken: 300, Sent: 150, Failed: 150, DiedAgain: 100, Left: 700}, progress.Standing)
}

func TestARedriveKeepsItsRate(t *testing.T) {
	rows := []struct {
		rate, open int
		want       time.Duration
	}{{10, 50, 4 * time.Second}, {400, 500, time.Second}, {0, 500, 0}}
	for _, row := range rows {
		p := &fakeDeadLetters{open: row.open}
		_, err := p.redriven(t, deadletter.Plan{Rate: row.rate})
		require.NoError(t, err)
		require.True(t, slices.IsSorted(p.upto))
		require.Equal(t, row.want, p.at[len(p.at)-1].Sub(p.at[0]), "%d a second", row.rate)
	}
}

func TestARedriveOutlastsAnOutage(t *testing.T) {
	p := &fakeDeadLetters{open: 150, fault: func(attempt int) error {
		if attempt > 1 && attempt < 10 {
			return transient(failure.Unavailable)
		}
		return nil
	}}
	progress, err := p.redriven(t, deadletter.Plan{})
	require.NoError(t, err)
	require.Equal(t, RedriveDone, progress.State)
	require.Equal(t, 150, progress.Standing.Sent)
}

// What a redrive has marked and not sent is opened again, however it ends.
func TestARedriveThatEndsEarlyLeavesNothingMarked(t *testing.T) {
	t.Run("cancelled", func(t *testing.T) {
		p := &fakeDeadLetters{open: 150}
		p.env = newRedriveEnv()
		p.env.RegisterDelayedCallback(p.env.CancelWorkflow, time.Minute/2)
		progress, err := p.redriven(t, deadletter.Plan{Canary: 1, CanaryWait: time.Minute})
		require.True(t, temporal.IsCanceledError(err))
		require.Equal(t, RedriveCancelled, progress.State)
		require.Equal(t, []string{"cancelled by an operator"}, p.left)
	})
	t.Run("failed", func(t *testing.T) {
		p := &fakeDeadLetters{open: 150, fault: func(int) error { return refusal(failure.Internal) }}
		progress, err := p.redriven(t, deadletter.Plan{})
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok)
		require.Equal(t, string(failure.Internal), app.Type())
		require.Equal(t, RedriveFailed, progress.State)
		require.Equal(t, []string{"no"}, p.left)
	})
}

// Running redrives hold this text. A repeated request is compared with it.
func TestTheInputOfARedriveIsFixed(t *testing.T) {
	in := RedriveInput{Order: deadletter.Order{ID: "1", Actor: "ana", Plan: deadletter.Plan{
		Reason: "mended", Filter: deadletter.Filter{Cause: deadletter.CauseInvalid}, DryRun: true, Canary: 5,
		CanaryWait: time.Minute, Rate: 50, StopAfter: 10,
	}}, Progress: &RedriveProgress{State: RedriveRunning}}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.Equal(t, `{"id":"1","actor":"ana","reason":"mended","filter":{"cause":"invalid"},"dry_run":true,"canary":5,`+
		`"canary_wait":60000000000,"rate":50,"stop_after":10,`+
		`"progress":{"state":"running","matching":0,"standing":{"taken":0,"sent":0,"failed":0,"died_again":0,"left":0}}}`, string(text))
}
