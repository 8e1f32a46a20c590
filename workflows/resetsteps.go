package workflows

import (
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/internal/failure"
)

type stepKind int

const (
	activityStep stepKind = iota
	signalStep
	updateStep
)

// step is something that a run did or got.
type step struct {
	kind         stepKind
	name         string // an activity's summary, or a message's name
	activity     string // its type
	begun, ended int64  // events; ended is 0 while it is in progress
	failure      *failurepb.Failure
}

func (s *step) String() string {
	switch {
	case s.kind == signalStep:
		return "signal " + s.name
	case s.kind == updateStep:
		return "update " + s.name
	case s.failure != nil:
		return s.name + " (failed)"
	}
	return s.name
}

// settlesCharge says whether the run asks for no charge any more after this step, unless the payment's row is lost.
func (s *step) settlesCharge() bool {
	switch s.activity {
	case "Apply", "Fail", "Park", "Settle":
		return s.failure == nil
	case "Charge":
		why := s.failure.GetApplicationFailureInfo()
		return s.failure == nil || why.GetNonRetryable() && failure.Kind(why.GetType()) != failure.NotFound
	}
	return false
}

// stepOf is the step that begins with an event, or nil. A local activity is one marker, which is written when it has ended.
func stepOf(event *history.HistoryEvent) *step {
	id := event.GetEventId()
	switch event.GetEventType() {
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		return &step{kind: signalStep, name: event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName(), begun: id, ended: id}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		name := event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetName()
		return &step{kind: updateStep, name: name, begun: id, ended: id}
	case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: // an update that an earlier reset has re-applied
		name := event.GetWorkflowExecutionUpdateAdmittedEventAttributes().GetRequest().GetInput().GetName()
		return &step{kind: updateStep, name: name, begun: id, ended: id}
	case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		activity := event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		return &step{name: summaryOf(event, activity), activity: activity, begun: id}
	case enums.EVENT_TYPE_MARKER_RECORDED:
		marker := event.GetMarkerRecordedEventAttributes()
		if marker.GetMarkerName() != "LocalActivity" {
			return nil
		}
		var about struct{ ActivityType string }
		decode(marker.GetDetails()["data"].GetPayloads(), &about)
		return &step{name: summaryOf(event, about.ActivityType), activity: about.ActivityType, begun: id, ended: id, failure: marker.GetFailure()}
	}
	return nil
}

// activityEnd says whether an activity has ended with the event, which one, and why it failed if it did.
func activityEnd(event *history.HistoryEvent) (scheduled int64, failed *failurepb.Failure, ended bool) {
	switch event.GetEventType() {
	case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		return event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId(), nil, true
	case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := event.GetActivityTaskFailedEventAttributes()
		return a.GetScheduledEventId(), a.GetFailure(), true
	case enums.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		a := event.GetActivityTaskTimedOutEventAttributes()
		return a.GetScheduledEventId(), a.GetFailure(), true
	case enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		return event.GetActivityTaskCanceledEventAttributes().GetScheduledEventId(), &failurepb.Failure{Message: "cancelled"}, true
	}
	return 0, nil, false
}

// summaryOf is what the workflow says of an activity, or the activity's type.
func summaryOf(event *history.HistoryEvent, activity string) string {
	summary := ""
	decode([]*common.Payload{event.GetUserMetadata().GetSummary()}, &summary)
	if summary == "" {
		return activity
	}
	return summary
}

// decode reads the first payload. One that cannot be read leaves the value as it is: a preview then says less.
func decode(payloads []*common.Payload, into any) {
	if len(payloads) > 0 && payloads[0] != nil {
		_ = converter.GetDefaultDataConverter().FromPayload(payloads[0], into)
	}
}
