package activities

import (
	"cmp"
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/postgres"
)

// When an open payment is too quiet. Most of these wait for their buyer and have a workflow, which Temporal lists by the thousand.
const (
	quietAfter = 10 * time.Minute
	quietAgain = 2 * time.Hour // before the same payment is signalled once more: its run may fail each time
)

// How much one activity does.
const (
	quietBatch   = 1000             // payments whose workflows are asked for at once
	quietSignals = 50               // payments signalled: each asks the provider at once
	quietTime    = 20 * time.Second // after which an activity ends and lets the next go on

	// quietShare is the part of the provider's rate that the signalled payments may take from others, and quietRate stands for the
	// whole when there is no limit, in calls a second.
	quietShare = 10
	quietRate  = 100
)

// QuietInput is where an activity goes on among the open payments, and what was seen so far.
type QuietInput struct {
	After postgres.QuietPosition `json:"after,omitzero"`
	Seen  Quiet                  `json:"seen,omitzero"`
}

// Quiet is what an activity has found among the open payments that have not changed for long.
type Quiet struct {
	Checked   int                     `json:"checked"` // how many there were
	Signalled int                     `json:"told"`    // of them those that had no workflow and were signalled
	Rest      *postgres.QuietPosition `json:"rest,omitempty"`
	Checkouts int                     `json:"checkouts,omitempty"` // that wait after their end, and were signalled
	Pause     time.Duration           `json:"pause,omitempty"`     // until the next activity, so that the signalled payments get their answers first
}

// SignalQuiet signals payments that are open, or have a refund that has not ended, if they have not changed for long and no workflow runs
// for them. A payment that has a workflow needs no signal: it polls by itself, and a signal would not repair what keeps it from polling.
// The signalled payments are written down afterwards, so a second run may signal a payment twice. Two signals are one look.
func (a *Activities) SignalQuiet(ctx context.Context, in QuietInput) (Quiet, error) {
	var quiet Quiet
	for began := time.Now(); time.Since(began) < quietTime && quiet.Signalled < quietSignals; {
		page, err := a.database.Quiet(ctx, postgres.QuietPlan{
			Silent: quietAfter, Again: quietAgain, After: in.After, Limit: quietBatch,
		})
		if err != nil {
			return quiet, activityError(err)
		}
		stopped, dealt, known := a.stopped(ctx, page, quietSignals-quiet.Signalled)
		signalled, err := a.signalAll(ctx, stopped)
		if err != nil {
			return quiet, activityError(err)
		}
		if err := a.database.Signalled(ctx, stopped); err != nil {
			return quiet, activityError(err)
		}
		quiet.Checked, quiet.Signalled = quiet.Checked+dealt, quiet.Signalled+signalled
		if !known || dealt == len(page) && dealt < quietBatch {
			quiet.Checkouts, err = a.wakeOverdue(ctx)
			return quiet, activityError(err)
		}
		in.After = page[dealt-1].Position
	}
	quiet.Rest, quiet.Pause = &in.After, a.quietPause(quiet.Signalled)
	return quiet, nil
}

// wakeOverdue signals the checkouts that wait although they should have ended, so that one whose run was terminated gets a new one. Until then it
// needs none: whatever is paid on its page becomes a payment by itself.
func (a *Activities) wakeOverdue(ctx context.Context) (woken int, err error) {
	ids, err := a.database.OverdueCheckouts(ctx, a.now().Add(-quietAfter), quietSignals)
	for _, id := range ids {
		err := a.workflows.WakeCheckout(ctx, id)
		switch {
		case err == nil:
			woken++
		case failure.KindOf(err) != failure.Invalid: // one that takes no more signals holds up no other
			return woken, err
		}
	}
	return woken, err
}

// stopped picks the payments of a page whose workflows do not run, at most so many, and returns how many of the page it has checked.
// Temporal's visibility may not answer. A signal to a payment whose workflow runs costs one look, so the first payments are then
// picked unchecked, and a later run takes the others.
func (a *Activities) stopped(ctx context.Context, page []postgres.QuietPayment, most int) (ids []string, dealt int, known bool) {
	all := make([]string, len(page))
	for i, p := range page {
		all[i] = p.ID
	}
	runs, err := a.workflows.Running(ctx, all)
	if err != nil {
		if activity.IsActivity(ctx) {
			activity.GetLogger(ctx).Warn("it is not known which payments have a workflow", "kind", failure.KindOf(err), "error", err)
		}
		dealt = min(len(all), most)
		return all[:dealt], dealt, false
	}
	for ; dealt < len(all) && len(ids) < most; dealt++ {
		if !runs[all[dealt]] {
			ids = append(ids, all[dealt])
		}
	}
	return ids, dealt, true
}

// quietPause is how long so many looks take at the share of the provider's rate that they may have.
func (a *Activities) quietPause(signalled int) time.Duration {
	rate := cmp.Or(a.provider.Rate(), quietRate)
	return time.Duration(signalled) * time.Second * quietShare / time.Duration(rate)
}

// NudgeQuiet is SignalQuiet for runs of reconciliation from before it had a workflow of its own.
func (a *Activities) NudgeQuiet(ctx context.Context) (int, error) {
	quiet, err := a.SignalQuiet(ctx, QuietInput{})
	return quiet.Signalled, err
}
