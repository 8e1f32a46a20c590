package resets

import (
	"errors"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// story is what the recorded run of a payment had done by its end.
type story struct {
	input    workflows.PaymentInput
	opened   activities.State       // as the run has first read it; not found: it was never written
	status   payment.Status         // that the run has last written
	provider *payment.ProviderState // as Mercado Pago has last answered; nil: it has no charge
}

// storyOf reads the results of a run's activities.
func storyOf(h *history.History) (story, error) {
	var s story
	start := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	if err := read(start.GetInput().GetPayloads(), &s.input); err != nil {
		return s, err
	}
	scheduled := map[int64]string{}
	var failed error
	for _, event := range h.GetEvents() {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			scheduled[event.GetEventId()] = event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName()
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			done := event.GetActivityTaskCompletedEventAttributes()
			failed = errors.Join(failed, s.add(scheduled[done.GetScheduledEventId()], done.GetResult().GetPayloads()))
		case enums.EVENT_TYPE_MARKER_RECORDED:
			marker := event.GetMarkerRecordedEventAttributes()
			if marker.GetMarkerName() != "LocalActivity" || marker.GetFailure() != nil {
				continue
			}
			var about struct{ ActivityType string }
			failed = errors.Join(failed, read(marker.GetDetails()["data"].GetPayloads(), &about))
			failed = errors.Join(failed, s.add(about.ActivityType, marker.GetDetails()["result"].GetPayloads()))
		}
	}
	return s, failed
}

func (s *story) add(activity string, result []*common.Payload) error {
	switch activity {
	case "Open":
		var state activities.State
		if err := read(result, &state); err != nil {
			return err
		}
		if !s.opened.Found {
			s.opened = state
		}
		s.status = state.Status
	case "Charge":
		s.provider = &payment.ProviderState{}
		return read(result, s.provider)
	case "Look", "Close":
		var seen activities.Seen
		if err := read(result, &seen); err != nil || !seen.Found {
			return err
		}
		s.provider = &seen.State
	case "Apply", "Fail", "Park", "Settle":
		var moved activities.Moved
		if err := read(result, &moved); err != nil {
			return err
		}
		s.status = moved.Status
	}
	return nil
}

func read(payloads []*common.Payload, into any) error {
	if len(payloads) == 0 {
		return nil
	}
	return converter.GetDefaultDataConverter().FromPayload(payloads[0], into)
}
