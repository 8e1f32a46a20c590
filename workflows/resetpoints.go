package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/onlywave/onlywave/internal/failure"
)

// ResetPreview is where a run of a payment can be reset, and what each reset would do.
type ResetPreview struct {
	WorkflowID string       `json:"workflow_id"`
	RunID      string       `json:"run_id"`
	Points     []ResetPoint `json:"points"`
}

// ResetPoint is the end of a workflow task. A reset to it starts a new run that keeps all events before it and goes on from there.
type ResetPoint struct {
	EventID int64     `json:"event_id"`
	At      time.Time `json:"at"`
	Task    string    `json:"task"`    // finished, failed or timed out
	Before  []string  `json:"before"`  // what had happened; the new run keeps it
	Again   []string  `json:"again"`   // the activities that this run did after the point; the new run does them or what the payment now needs
	Signals []string  `json:"signals"` // re-applied, unless --reapply-exclude says otherwise
	Updates []string  `json:"updates"` // likewise
	Money   Money     `json:"money"`
	Command string    `json:"command"`
}

// Money says whether a reset could move money, and why that is safe.
type Money struct {
	MayMove bool   `json:"may_move"`
	Why     string `json:"why"`
}

const (
	whyCharged = "the answer to the charge is before this point; if the database has lost the payment, the charge is searched for before it is asked for again, under the same key"
	whySearch  = "if the payment is still processing, the charge is searched for before it is asked for again, under the same key"
	whyWaiting = "the charge that was in progress is asked for again under the same key; one that may be older than an hour is searched for first"
)

// ResetPreview reads the history of a payment's run, by default the newest one. Errors: Invalid when the run id is none; NotFound when
// Temporal has no such run; Unavailable when it does not answer.
func (c *Client) ResetPreview(ctx context.Context, paymentID, runID string) (ResetPreview, error) {
	preview := ResetPreview{WorkflowID: WorkflowID(paymentID), RunID: runID}
	if _, err := uuid.Parse(runID); runID != "" && err != nil {
		return preview, &failure.Error{Kind: failure.Invalid, Message: "the run id is not a UUID", Err: err}
	}
	if runID == "" {
		run, err := c.latest(ctx, preview.WorkflowID)
		if err != nil {
			return preview, interpret("look for payment "+paymentID, err)
		}
		preview.RunID = run.GetExecution().GetRunId()
	}
	var events []*history.HistoryEvent
	if preview.RunID != "" {
		read := c.temporal.GetWorkflowHistory(ctx, preview.WorkflowID, preview.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for read.HasNext() {
			event, err := read.Next()
			if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
				break
			}
			if err != nil {
				return preview, interpret("read the history of payment "+paymentID, err)
			}
			events = append(events, event)
		}
	}
	if len(events) == 0 {
		return preview, &failure.Error{Kind: failure.NotFound, Message: "Temporal has no such run of this payment"}
	}
	preview.Points = resetPoints(preview.WorkflowID, preview.RunID, events)
	return preview, nil
}

// resetPoints finds the points in a history. Temporal resets to the end of a workflow task only.
func resetPoints(workflowID, runID string, events []*history.HistoryEvent) []ResetPoint {
	began := map[int64]*step{} // by the event with which it began
	var steps []*step
	for _, event := range events {
		if s := stepOf(event); s != nil {
			began[event.GetEventId()] = s
			steps = append(steps, s)
		}
		if scheduled, failed, ended := activityEnd(event); ended && began[scheduled] != nil {
			began[scheduled].ended, began[scheduled].failure = event.GetEventId(), failed
		}
	}
	var points []ResetPoint
	for _, event := range events {
		task, ok := taskEnds[event.GetEventType()]
		if !ok {
			continue
		}
		point := ResetPoint{EventID: event.GetEventId(), At: event.GetEventTime().AsTime(), Task: task}
		point.Command = fmt.Sprintf("temporal workflow reset --workflow-id %s --run-id %s --event-id %d --reason '…'", workflowID, runID, point.EventID)
		point.fill(steps)
		points = append(points, point)
	}
	return points
}

var taskEnds = map[enums.EventType]string{
	enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: "finished",
	enums.EVENT_TYPE_WORKFLOW_TASK_FAILED:    "failed",
	enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: "timed out",
}

// fill divides the steps of the run into those before the point and those after it.
func (p *ResetPoint) fill(steps []*step) {
	p.Before, p.Again, p.Signals, p.Updates = []string{}, []string{}, []string{}, []string{}
	p.Money = Money{MayMove: true, Why: whySearch}
	for _, s := range steps {
		switch before := s.begun < p.EventID && s.ended != 0 && s.ended < p.EventID; {
		case before:
			p.Before = append(p.Before, s.String())
			if s.settlesCharge() {
				p.Money = Money{Why: whyCharged}
			}
		case s.kind == signalStep:
			p.Signals = append(p.Signals, s.name)
		case s.kind == updateStep:
			p.Updates = append(p.Updates, s.name)
		default:
			p.Again = append(p.Again, s.name)
			switch inProgress := s.begun < p.EventID; {
			case s.activity == "Charge" && inProgress:
				p.Money = Money{MayMove: true, Why: whyWaiting}
			case s.activity == "Charge" && !p.Money.MayMove: // this run has written the payment's row anew
				p.Money = Money{MayMove: true, Why: whySearch}
			}
		}
	}
	p.Before, p.Again = counted(p.Before), counted(p.Again)
	p.Signals, p.Updates = counted(p.Signals), counted(p.Updates)
}

// counted writes what is repeated in a row once, with its number.
func counted(list []string) []string {
	short := []string{}
	for i := 0; i < len(list); {
		n := 1
		for i+n < len(list) && list[i+n] == list[i] {
			n++
		}
		text := list[i]
		if n > 1 {
			text = fmt.Sprintf("%s (%d times)", text, n)
		}
		short = append(short, text)
		i += n
	}
	return short
}
