package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
)

// ReconcileInput starts a run of reconciliation.
type ReconcileInput struct {
	Grace time.Duration `json:"grace"`
	// Of a run whose history grew too long: what it had counted, and what is left.
	Counts payment.ReconciliationCounts `json:"counts,omitzero"`
	Rest   *activities.SweepInput       `json:"rest,omitempty"`
}

// Reconcile compares the provider statement with the database: all that changed there since the last run. It moves no payment.
// Those that are behind are signalled, and what cannot be explained is kept. AlertFindings reports it, and SignalQuiet finds the
// payments that the provider has no news of: each is a workflow of its own, so that a search that fails holds up neither.
func Reconcile(ctx workflow.Context, in ReconcileInput) (payment.ReconciliationCounts, error) {
	r := &reconciliation{counts: in.Counts, rest: in.Rest}
	if r.rest == nil {
		if err := r.begin(ctx, in.Grace); err != nil {
			return r.counts, err
		}
	}
	for r.rest != nil {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return r.counts, workflow.NewContinueAsNewError(ctx, Reconcile, ReconcileInput{Grace: in.Grace, Counts: r.counts, Rest: r.rest})
		}
		if err := r.sweep(ctx); err != nil {
			return r.counts, err
		}
	}
	apart := choresApart(ctx)
	if !apart {
		if err := r.signalQuiet(ctx); err != nil {
			return r.counts, err
		}
	}
	if err := r.finish(ctx); err != nil {
		return r.counts, err
	}
	if !apart {
		_, _ = alertFindings(ctx) // a broker that is unavailable holds up no sweep
	}
	return r.counts, nil
}

// reconciliation is the state of one run.
type reconciliation struct {
	runID  string
	counts payment.ReconciliationCounts
	rest   *activities.SweepInput // what is left of the window; nil: nothing
}

func (r *reconciliation) begin(ctx workflow.Context, grace time.Duration) error {
	var first activities.SweepInput
	in := activities.BeginReconciliationInput{RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Grace: grace}
	err := workflow.ExecuteLocalActivity(inDatabase(ctx, "begin"), act.BeginReconciliation, in).Get(ctx, &first)
	if err == nil {
		r.rest = &first
	}
	return err
}

// sweep sees one page of the window.
func (r *reconciliation) sweep(ctx workflow.Context) error {
	var swept activities.Swept
	r.runID = r.rest.RunID
	summary := "sweep from " + r.rest.Window.From.UTC().Format(time.RFC3339)
	if err := workflow.ExecuteActivity(atSweep(ctx, summary), act.Sweep, *r.rest).Get(ctx, &swept); err != nil {
		return err
	}
	r.counts.Seen += swept.Seen
	r.counts.Signalled += swept.Signalled
	r.counts.Others += swept.Others
	r.rest = swept.Rest
	r.describe(ctx)
	return nil
}

func (r *reconciliation) signalQuiet(ctx workflow.Context) error {
	if err := workflow.ExecuteActivity(last(ctx, "signal quiet payments"), act.NudgeQuiet).Get(ctx, &r.counts.Quiet); err != nil {
		return err
	}
	r.counts.Signalled += r.counts.Quiet
	return nil
}

func (r *reconciliation) finish(ctx workflow.Context) error {
	in := activities.FinishReconciliationInput{RunID: r.runID, Counts: r.counts}
	err := workflow.ExecuteLocalActivity(inDatabase(ctx, "finish"), act.FinishReconciliation, in).Get(ctx, &r.counts)
	r.describe(ctx)
	return err
}

// describe shows in the Web UI how far the run has come.
func (r *reconciliation) describe(ctx workflow.Context) {
	c := r.counts
	text := fmt.Sprintf("**%d** changes seen, **%d** payments signalled to look, %d of them quiet", c.Seen, c.Signalled, c.Quiet)
	if r.rest != nil {
		text += "  \nnext from " + r.rest.Window.From.UTC().Format(time.RFC3339)
	} else {
		text += fmt.Sprintf("  \nfound: %d differences, %d contradictions, %d orphan payments, %d unreadable, %d missed webhooks; %d of other sales",
			c.Differences, c.Contradictions, c.OrphanPayments, c.Unreadable, c.Missed, c.Others)
	}
	workflow.SetCurrentDetails(ctx, text)
}
