package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/deadletter"
)

// redriveBatch is how many dead letters one activity sends at most.
const redriveBatch = 100

// RedriveInput starts a redrive.
type RedriveInput struct {
	deadletter.Order
	Progress *RedriveProgress `json:"progress,omitempty"` // of earlier runs, when the history grew too long
}

// fingerprint is equal for two redrives that ask for the same thing.
func (in RedriveInput) fingerprint() string {
	text, err := json.Marshal(in)
	if err != nil {
		panic("workflows: a redrive is plain data: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// RedriveState is how far a redrive is.
type RedriveState string

// The states of a redrive.
const (
	RedriveCounting  RedriveState = "counting"
	RedriveCanary    RedriveState = "canary" // the first few are out, and it waits to see what becomes of them
	RedriveRunning   RedriveState = "running"
	RedriveDone      RedriveState = "done"
	RedriveStopped   RedriveState = "stopped" // by its own rules; Note says which
	RedriveDryRun    RedriveState = "dry_run" // counted only
	RedriveCancelled RedriveState = "cancelled"
	RedriveFailed    RedriveState = "failed"
)

// RedriveStates lists every state.
func RedriveStates() []RedriveState {
	return []RedriveState{RedriveCounting, RedriveCanary, RedriveRunning, RedriveDone, RedriveStopped, RedriveDryRun, RedriveCancelled, RedriveFailed}
}

// Over says whether nothing more will happen.
func (s RedriveState) Over() bool {
	return s != RedriveCounting && s != RedriveCanary && s != RedriveRunning
}

// RedriveProgress is how a redrive stands; the workflow answers queries with it, and ends with it.
type RedriveProgress struct {
	State     RedriveState            `json:"state"`
	Note      string                  `json:"note,omitempty"`
	Before    time.Time               `json:"before,omitzero"` // what died later is not part of it
	Matching  int                     `json:"matching"`        // open dead letters that were chosen at the start
	Causes    []deadletter.CauseCount `json:"causes,omitempty"`
	Standing  deadletter.Progress     `json:"standing"`
	CanaryOut bool                    `json:"canary_out,omitempty"` // and came to no harm
}

// Redrive sends dead letters again, in stages. It survives the worker that does it, and each dead letter is sent once, or twice
// under the same ID if a worker dies at the wrong moment.
func Redrive(ctx workflow.Context, in RedriveInput) (RedriveProgress, error) {
	r := &redrive{in: in, RedriveProgress: RedriveProgress{State: RedriveCounting}}
	if in.Progress != nil {
		r.RedriveProgress = *in.Progress
	}
	err := workflow.SetQueryHandler(ctx, QueryRedrive, func() (RedriveProgress, error) { return r.RedriveProgress, nil })
	if err == nil {
		err = r.run(ctx)
	}
	if workflow.IsContinueAsNewError(err) {
		return r.RedriveProgress, err
	}
	if err != nil {
		return r.RedriveProgress, r.abandon(ctx, err)
	}
	r.describe(ctx)
	return r.RedriveProgress, nil
}

// redrive is the state of one run.
type redrive struct {
	in RedriveInput
	RedriveProgress
}

func (r *redrive) run(ctx workflow.Context) error {
	if r.Before.IsZero() {
		if err := r.survey(ctx); err != nil {
			return err
		}
	}
	if r.in.DryRun {
		r.State = RedriveDryRun
		return nil
	}
	if r.in.Canary > 0 && !r.CanaryOut {
		if well, err := r.canary(ctx); err != nil || !well {
			return err
		}
	}
	r.State = RedriveRunning
	for r.Standing.Left > 0 {
		if err := r.send(ctx, r.Standing.Taken+r.batchSize()); err != nil {
			return err
		}
		if bad := r.Standing.Failed + r.Standing.DiedAgain; r.in.StopAfter > 0 && bad >= r.in.StopAfter {
			r.stop(fmt.Sprintf("%d dead letters failed or died again", bad))
			return nil
		}
		if r.in.Rate > 0 && r.Standing.Left > 0 {
			if err := workflow.Sleep(ctx, time.Second*time.Duration(r.batchSize())/time.Duration(r.in.Rate)); err != nil {
				return err
			}
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && r.Standing.Left > 0 {
			next := r.in
			next.Progress = &r.RedriveProgress
			return workflow.NewContinueAsNewError(ctx, Redrive, next)
		}
	}
	r.State = RedriveDone
	return nil
}

// survey draws the line: what dies from now on is not part of this redrive.
func (r *redrive) survey(ctx workflow.Context) error {
	var survey deadletter.Survey
	in := activities.SurveyInput{Filter: r.in.Filter}
	if err := workflow.ExecuteLocalActivity(inDatabase(ctx, "count"), act.SurveyDeadLetters, in).Get(ctx, &survey); err != nil {
		return err
	}
	r.Before, r.Causes = survey.At, survey.Causes
	for _, c := range survey.Causes {
		r.Matching += c.Count
	}
	r.Standing.Left = r.Matching
	if r.Matching == 0 {
		r.Note = "no open dead letter is chosen"
	}
	r.describe(ctx)
	return nil
}

// canary sends the first few, and returns whether they are well after a while.
func (r *redrive) canary(ctx workflow.Context) (well bool, err error) {
	r.State = RedriveCanary
	if r.Standing.Left > 0 {
		if err := r.send(ctx, min(r.in.Canary, redriveBatch)); err != nil {
			return false, err
		}
		if err := workflow.Sleep(ctx, r.in.CanaryWait); err != nil {
			return false, err
		}
		err := workflow.ExecuteLocalActivity(inDatabase(ctx, "look after the canary"), act.RedriveStanding, r.batch(0)).Get(ctx, &r.Standing)
		if err != nil {
			return false, err
		}
	}
	if bad := r.Standing.Failed + r.Standing.DiedAgain; bad > 0 {
		r.stop(fmt.Sprintf("%d of %d canaries failed or died again", bad, r.Standing.Taken))
		return false, nil
	}
	r.CanaryOut = true
	return true, nil
}

// send sends dead letters until so many were tried.
func (r *redrive) send(ctx workflow.Context, upto int) error {
	err := workflow.ExecuteActivity(atRedrive(ctx, fmt.Sprintf("send up to %d", upto)), act.Redrive, r.batch(upto)).Get(ctx, &r.Standing)
	r.describe(ctx)
	return err
}

func (r *redrive) batch(upto int) deadletter.Batch {
	return deadletter.Batch{
		RedriveID: r.in.ID, Actor: r.in.Actor, Reason: r.in.Reason, Filter: r.in.Filter, Before: r.Before, Upto: upto,
	}
}

// batchSize is a second's worth of dead letters, if the rate is low.
func (r *redrive) batchSize() int {
	if r.in.Rate > 0 {
		return min(r.in.Rate, redriveBatch)
	}
	return redriveBatch
}

func (r *redrive) stop(why string) { r.State, r.Note = RedriveStopped, why }

// abandon ends a redrive early: what may not have been sent is open again.
func (r *redrive) abandon(ctx workflow.Context, err error) error {
	r.State, r.Note = RedriveFailed, reason(err)
	if temporal.IsCanceledError(ctx.Err()) {
		r.State, r.Note, err = RedriveCancelled, "cancelled by an operator", ctx.Err()
	}
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := activities.AbandonInput{RedriveID: r.in.ID, Why: r.Note}
	if failed := workflow.ExecuteLocalActivity(inDatabase(ctx, "open the rest again"), act.AbandonRedrive, in).Get(ctx, nil); failed != nil {
		workflow.GetLogger(ctx).Error("a redrive's dead letters were not opened again", "redrive_id", r.in.ID, "reason", reason(failed))
	}
	r.describe(ctx)
	return err
}

func (r *redrive) describe(ctx workflow.Context) {
	s := r.Standing
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("**%s** · %d chosen, %d sent, %d failed, %d died again, %d left  \n%s",
		r.State, r.Matching, s.Sent, s.Failed, s.DiedAgain, s.Left, r.Note))
}
