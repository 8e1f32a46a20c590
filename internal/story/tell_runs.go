package story

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/onlywave/onlywave/workflows"
)

// tellRuns tells what Temporal keeps of the payment's workflow.
func (w *writer) tellRuns() {
	if w.temporalErr != nil {
		return
	}
	runs := w.runs.All
	if len(runs) == 0 {
		w.note(runsForgotten)
	}
	if w.runs.Cut {
		w.note(runsCut, maxRuns)
	}
	for i, run := range runs {
		if run.CutSteps {
			w.note(stepsCut, short(run.ID), maxSteps)
		}
		reset := i+1 < len(runs) && isReset(runs[i+1])
		w.tellRun(run, reset)
	}
}

// isReset says whether a run goes on from an earlier point of the one before.
func isReset(r workflows.Run) bool { return len(r.Steps) > 0 && r.Steps[0].Kind == workflows.StepReset }

// tellRun tells one run. One that a reset has replaced was terminated by that, which the next run tells.
func (w *writer) tellRun(run workflows.Run, replaced bool) {
	id := short(run.ID)
	if !isReset(run) && !run.CutSteps {
		w.add(run.Started, Workflow, Quiet, runBegan, id, w.say(begunBy(run)))
	}
	for i, s := range run.Steps {
		if replaced && s.Kind == workflows.StepTerminated {
			continue
		}
		w.tellStep(id, s, i == 0 || i == 1 && run.Steps[0].Kind == workflows.StepReset)
	}
	switch {
	case run.State == workflows.RunRunning:
		w.tellWaiting(run)
	case run.State != workflows.RunFailed && run.State != workflows.RunTerminated:
		w.add(run.Ended, Workflow, Quiet, runEnded, id, w.named(runStates, string(run.State)))
	}
}

// begunBy says what started a run: the first that was sent to it.
func begunBy(run workflows.Run) text {
	for _, s := range run.Steps {
		switch {
		case s.Kind == workflows.StepContinuation:
			return byContinuation
		case s.Kind == workflows.StepUpdate && s.Name == workflows.UpdateCreate:
			return byRequest
		case s.Kind == workflows.StepUpdate:
			return fixed(byUpdate, s.Name)
		case s.Kind == workflows.StepSignal:
			return fixed(bySignal, s.Name)
		}
	}
	return byUnknown
}

// fixed puts a name into a text.
func fixed(t text, name string) text {
	return text{EN: strings.Replace(t.EN, "%s", name, 1), PT: strings.Replace(t.PT, "%s", name, 1)}
}

// tellStep tells one step; first says that it began the run.
func (w *writer) tellStep(run string, s workflows.Step, first bool) {
	why := cmp.Or(w.clause(s.Failure), w.say(noReason))
	switch s.Kind {
	case workflows.StepReset:
		w.add(s.At, Workflow, Waiting, runReset, run, cmp.Or(strings.TrimPrefix(w.clause(s.Failure), "<unknown-user>: "), w.say(noReason)))
	case workflows.StepUpdate:
		if s.Name != workflows.UpdateCreate {
			w.tellMessage(s, updated, updatedWith)
		} else if !first {
			w.add(s.At, API, Quiet, requestedAgain)
		}
	case workflows.StepSignal:
		w.tellMessage(s, signalled, signalledWith)
	case workflows.StepRefused:
		if s.Name == workflows.UpdateCreate {
			w.add(s.At, API, Bad, requestRefused, why)
		} else {
			w.add(s.At, Workflow, Bad, updateRefused, s.Name, why)
		}
	case workflows.StepCall:
		w.tellCall(s)
	case workflows.StepFailed:
		w.tellFailed(s, why)
	case workflows.StepTaskFailed:
		w.add(s.At, Workflow, Bad, taskFailed, why)
	case workflows.StepTerminated:
		w.add(s.At, Workflow, Bad, runTerminated, run, w.sender(s.By), why)
	case workflows.StepRunFailed:
		w.add(s.At, Workflow, Bad, runFailed, run, why)
	case workflows.StepCancelAsked:
		w.add(s.At, Workflow, Waiting, cancelAsked, w.sender(s.By))
	case workflows.StepContinuation: // the run's beginning tells it
	}
}

// tellMessage tells a signal or an update. Those of an operator have words, and those of a command line have a sender.
func (w *writer) tellMessage(s workflows.Step, plain, with text) {
	if w.audits(s) {
		return
	}
	source, said := Workflow, w.say(plain, s.Name)
	switch {
	case s.Words.Actor != "":
		source, said = Operator, w.say(with, s.Name, s.Words.Actor, cmp.Or(w.clause(s.Words.Reason), w.say(noReason)))
	case person(s.By):
		source, said = Operator, w.say(signalledBy, s.Name, s.By)
	}
	if !s.Words.Until.IsZero() {
		said += w.say(until, s.Words.Until)
	}
	w.story.Entries = append(w.story.Entries, Entry{At: s.At.UTC(), Source: source, Level: Quiet, Text: said})
}

// audits says whether the audit has the signal or update, too. The audit then tells it, at the time at which the workflow got it: the
// cause before the effect.
func (w *writer) audits(s workflows.Step) bool {
	if s.Words.Actor == "" {
		return false
	}
	for i, e := range w.audit {
		if string(e.Action) == "payment."+s.Name && e.Actor.Name == s.Words.Actor && e.Reason == s.Words.Reason && e.At.Sub(s.At).Abs() < time.Minute {
			w.audit[i].At = s.At
			return true
		}
	}
	return false
}

// process is what the SDK calls a program that connects to Temporal.
var process = regexp.MustCompile(`^\d+@.*@$`)

// person says whether a sender is no process of ours: a command line or the Web UI.
func person(by string) bool { return by != "" && !process.MatchString(by) && by != "history-service" }

func (w *writer) sender(by string) string {
	if person(by) {
		return by
	}
	return w.say(somebody)
}

// chargedAt is not before the charge was stored: of a quick try the history has only when its workflow task began.
func (w *writer) chargedAt(s workflows.Step) time.Time {
	if s.Name == "Charge" && len(w.operations) > 0 && w.operations[0].CreatedAt.After(s.At) {
		return w.operations[0].CreatedAt
	}
	return s.At
}

func (w *writer) tellCall(s workflows.Step) {
	name, ofProvider := calls[s.Name]
	s.At = w.chargedAt(s)
	switch {
	case !ofProvider:
		w.add(s.At, Workflow, Good, ended, s.Name, s.Attempts, w.clause(s.Failure))
	case !s.Found:
		w.add(s.At, Provider, Waiting, notKnown, name)
	case s.Attempts > 1:
		w.add(s.At, Provider, statusLevel(s.Provider.Status), answeredAfter, name, s.Attempts, s.Provider.Status, w.seconds(s.Provider.UpdatedAt), w.clause(s.Failure))
	default:
		w.add(s.At, Provider, statusLevel(s.Provider.Status), answered, name, s.Provider.Status, w.seconds(s.Provider.UpdatedAt))
	}
}

func (w *writer) tellFailed(s workflows.Step, why string) {
	name := capital(w.named(calls, s.Name))
	_, ofProvider := calls[s.Name]
	switch {
	case s.Quick && ofProvider:
		w.add(w.chargedAt(s), Provider, Bad, quickFailed, name, why)
	case s.Attempts <= 1:
		w.add(s.At, Workflow, Bad, tryFailed, name, why)
	default:
		w.add(s.At, Workflow, Bad, stepFailed, name, s.Attempts, why)
	}
}

// seconds is a time of the provider's clock, to be compared with ours.
func (w *writer) seconds(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

// tellWaiting tells for what a running run waits.
func (w *writer) tellWaiting(run workflows.Run) {
	for _, waits := range run.Waiting {
		switch {
		case waits.What == workflows.ForTimer && w.hold.Held(w.now): // tellHold tells it
		case waits.What == workflows.ForTimer:
			w.waits(waits.Due, Workflow, Quiet, timerRuns, w.named(timers, waits.Name))
		case waits.What == workflows.ForTask:
			w.waits(waits.Due, Workflow, Bad, taskRetried, waits.Attempt)
		case waits.Paused:
			w.waits(time.Time{}, Workflow, Bad, pausedNow, waits.Name, waits.Attempt)
		case waits.Failure != "":
			w.waits(waits.Due, Workflow, Bad, nextTry, waits.Name, waits.Attempt, w.clause(waits.Failure))
		default:
			w.waits(waits.Due, Workflow, Waiting, runsNow, waits.Name, waits.Attempt)
		}
	}
}

func short(id string) string { return id[:min(8, len(id))] }

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }
