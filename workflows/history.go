package workflows

import (
	"encoding/json"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/tracing/temporaltracing"
)

// StepKind is what a step of a run was.
type StepKind string

// The kinds of steps. Activities that only touch the database are steps when they fail.
const (
	StepSignal       StepKind = "signal"
	StepUpdate       StepKind = "update"
	StepRefused      StepKind = "update_refused"
	StepCall         StepKind = "call" // an activity that asked the provider and got an answer
	StepFailed       StepKind = "activity_failed"
	StepTaskFailed   StepKind = "workflow_task_failed"
	StepReset        StepKind = "reset"
	StepTerminated   StepKind = "terminated"
	StepRunFailed    StepKind = "run_failed"
	StepCancelAsked  StepKind = "cancel_requested"
	StepContinuation StepKind = "continuation" // the run goes on with the work of the one before
)

// Step is something that happened in a run. It holds nothing of the buyer but what a failure's text may say.
type Step struct {
	At       time.Time
	Kind     StepKind
	Name     string // of the signal, update or activity
	Attempts int    // that the activity took
	Quick    bool   // it was a quick try, and a failed one is repeated with retries of its own
	Failure  string // the reason of a reset or a termination, too
	By       string // who sent it, as Temporal was told: a process, or the user of a command line
	Words    Words  // of an operator
	Found    bool   // the provider knows the payment
	Provider payment.ProviderState
}

// Words are what a signal or an update of an operator says.
type Words struct {
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// historyReader takes the steps out of a history, which it is given event by event. Of more than limit steps it keeps the newest.
type historyReader struct {
	limit     int
	steps     []Step
	cut       bool
	trace     string
	scheduled map[int64]*activityTask
	updates   map[string]string // names by id
	running   map[int64]Waiting // timers
	task      time.Time         // when the newest workflow task began
}

type activityTask struct {
	name     string
	attempts int
	failure  string
}

func (h *historyReader) add(e *history.HistoryEvent, s Step) {
	if s.At.IsZero() {
		s.At = e.GetEventTime().AsTime()
	}
	if h.steps = append(h.steps, s); len(h.steps) > h.limit {
		h.steps, h.cut = h.steps[1:], true
	}
}

func (h *historyReader) read(e *history.HistoryEvent) {
	if h.scheduled == nil {
		h.scheduled, h.updates, h.running = map[int64]*activityTask{}, map[string]string{}, map[int64]Waiting{}
	}
	if h.readActivity(e) || h.readMessage(e) {
		return
	}
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		started := e.GetWorkflowExecutionStartedEventAttributes()
		h.trace = temporaltracing.IDOf(started.GetHeader())
		if started.GetContinuedExecutionRunId() != "" {
			h.add(e, Step{Kind: StepContinuation})
		}
	case enums.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		h.task = e.GetEventTime().AsTime()
	case enums.EVENT_TYPE_TIMER_STARTED:
		timer := e.GetTimerStartedEventAttributes()
		h.running[e.GetEventId()] = Waiting{
			What: ForTimer, Name: payloadText(e.GetUserMetadata().GetSummary()), Due: e.GetEventTime().AsTime().Add(timer.GetStartToFireTimeout().AsDuration()),
		}
	case enums.EVENT_TYPE_TIMER_FIRED:
		delete(h.running, e.GetTimerFiredEventAttributes().GetStartedEventId())
	case enums.EVENT_TYPE_TIMER_CANCELED:
		delete(h.running, e.GetTimerCanceledEventAttributes().GetStartedEventId())
	case enums.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		h.taskFailed(e)
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		t := e.GetWorkflowExecutionTerminatedEventAttributes()
		h.add(e, Step{Kind: StepTerminated, Failure: t.GetReason(), By: t.GetIdentity()})
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		h.add(e, Step{Kind: StepRunFailed, Failure: failureText(e.GetWorkflowExecutionFailedEventAttributes().GetFailure())})
	}
}

// taskFailed reads a reset, which is the failure of the workflow task that it went back to, or a task that failed by itself. Updates
// that come in while a task runs make it fail, too, which means nothing.
func (h *historyReader) taskFailed(e *history.HistoryEvent) {
	task := e.GetWorkflowTaskFailedEventAttributes()
	switch task.GetCause() {
	case enums.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW:
		h.running, h.steps, h.cut = map[int64]Waiting{}, nil, false // what was before it is the other run's to tell
		h.add(e, Step{Kind: StepReset, Failure: task.GetFailure().GetMessage()})
	case enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND, enums.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_UPDATE,
		enums.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND, enums.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND:
	default:
		h.add(e, Step{Kind: StepTaskFailed, Failure: failureText(task.GetFailure())})
	}
}

// readMessage reads what others sent to the run.
func (h *historyReader) readMessage(e *history.HistoryEvent) bool {
	switch e.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		s := e.GetWorkflowExecutionSignaledEventAttributes()
		h.add(e, Step{Kind: StepSignal, Name: s.GetSignalName(), By: s.GetIdentity(), Words: wordsOf(s.GetInput())})
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
		h.add(e, Step{Kind: StepCancelAsked, By: e.GetWorkflowExecutionCancelRequestedEventAttributes().GetIdentity()})
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: // by a reset, which sends it again
		request := e.GetWorkflowExecutionUpdateAdmittedEventAttributes().GetRequest()
		h.update(e, request)
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		if request := e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest(); request != nil {
			h.update(e, request)
		}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		done := e.GetWorkflowExecutionUpdateCompletedEventAttributes()
		if why := done.GetOutcome().GetFailure(); why != nil {
			h.add(e, Step{Kind: StepRefused, Name: h.updates[done.GetMeta().GetUpdateId()], Failure: failureText(why)})
		}
	default:
		return false
	}
	return true
}

func (h *historyReader) update(e *history.HistoryEvent, request *updatepb.Request) {
	name := request.GetInput().GetName()
	h.updates[request.GetMeta().GetUpdateId()] = name
	// The event has the time at which the task ended that dealt with the update.
	h.add(e, Step{At: h.task, Kind: StepUpdate, Name: name, By: request.GetMeta().GetIdentity(), Words: wordsOf(request.GetInput().GetArgs())})
}

// readActivity reads activities and local activities.
func (h *historyReader) readActivity(e *history.HistoryEvent) bool {
	ended := func(scheduled int64) *activityTask {
		task := h.scheduled[scheduled]
		delete(h.scheduled, scheduled)
		if task == nil {
			return &activityTask{}
		}
		return task
	}
	switch e.GetEventType() {
	case enums.EVENT_TYPE_MARKER_RECORDED:
		h.localActivity(e)
	case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		h.scheduled[e.GetEventId()] = &activityTask{name: e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()}
	case enums.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		started := e.GetActivityTaskStartedEventAttributes()
		if task := h.scheduled[started.GetScheduledEventId()]; task != nil {
			task.attempts, task.failure = int(started.GetAttempt()), failureText(started.GetLastFailure())
		}
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		done := e.GetActivityTaskCompletedEventAttributes()
		task := ended(done.GetScheduledEventId())
		h.answered(e, Step{Name: task.name, Attempts: task.attempts, Failure: task.failure}, done.GetResult())
	case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		failed := e.GetActivityTaskFailedEventAttributes()
		task := ended(failed.GetScheduledEventId())
		h.add(e, Step{Kind: StepFailed, Name: task.name, Attempts: task.attempts, Failure: failureText(failed.GetFailure())})
	case enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		late := e.GetActivityTaskTimedOutEventAttributes()
		task := ended(late.GetScheduledEventId())
		h.add(e, Step{Kind: StepFailed, Name: task.name, Attempts: task.attempts, Failure: failureText(late.GetFailure())})
	case enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		ended(e.GetActivityTaskCanceledEventAttributes().GetScheduledEventId())
	default:
		return false
	}
	return true
}

// localMarker is the name of the SDK's markers of local activities. Their data is an activity's type, time and attempt.
const localMarker = "LocalActivity"

func (h *historyReader) localActivity(e *history.HistoryEvent) {
	marker := e.GetMarkerRecordedEventAttributes()
	if marker.GetMarkerName() != localMarker {
		return
	}
	var data struct {
		ActivityType string
		ReplayTime   time.Time
		Attempt      int
	}
	if readPayloads(marker.GetDetails()["data"], &data) != nil {
		return
	}
	s := Step{At: data.ReplayTime.UTC(), Name: data.ActivityType, Attempts: data.Attempt, Quick: true}
	if why := marker.GetFailure(); why != nil {
		s.Kind, s.Failure = StepFailed, failureText(why)
		h.add(e, s)
		return
	}
	h.answered(e, s, marker.GetDetails()["result"])
}

// answered adds an activity that asked the provider. The results of others are no news: the database has them.
func (h *historyReader) answered(e *history.HistoryEvent, s Step, result *common.Payloads) {
	s.Kind = StepCall
	switch s.Name {
	case "Charge":
		s.Found = readPayloads(result, &s.Provider) == nil && s.Provider.PaymentID != ""
	case "Look", "Close":
		var seen activities.Seen
		if readPayloads(result, &seen) != nil {
			return
		}
		s.Found, s.Provider = seen.Found, seen.State
	default:
		if s.Failure == "" {
			return
		}
	}
	s.Provider.QRCode, s.Provider.TicketURL, s.Provider.Slip = "", "", payment.Slip{}
	h.add(e, s)
}

// timer is the one that the run waits for, if any: the newest. Older ones run on after something else has ended their wait.
func (h *historyReader) timer() []Waiting {
	newest := int64(0)
	for id := range h.running {
		newest = max(newest, id)
	}
	if newest == 0 {
		return nil
	}
	return []Waiting{h.running[newest]}
}

func readPayloads(payloads *common.Payloads, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(payloads, into)
}

func payloadText(payload *common.Payload) (s string) {
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &s) != nil {
		return ""
	}
	return s
}

// wordsOf reads what an operator says, if one does. Other signals and updates have no such argument.
func wordsOf(args *common.Payloads) (w Words) {
	if len(args.GetPayloads()) == 0 {
		return Words{}
	}
	var raw json.RawMessage
	if converter.GetDefaultDataConverter().FromPayload(args.GetPayloads()[0], &raw) != nil || json.Unmarshal(raw, &w) != nil {
		return Words{}
	}
	return w
}

// failureText is what a failure says, without what only wraps it.
func failureText(f *failure.Failure) string {
	for f.GetCause() != nil && (f.GetActivityFailureInfo() != nil || f.GetMessage() == "") {
		f = f.GetCause()
	}
	if f.GetTimeoutFailureInfo() != nil && f.GetCause() != nil {
		return f.GetMessage() + ": " + failureText(f.GetCause())
	}
	return f.GetMessage()
}
