package resets

import (
	"errors"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// story is what the recorded run of a payment had done by its end.
type story struct {
	input    workflows.PaymentInput
	opened   activities.State       // as the run has first read it; not found: it was never written
	status   payment.Status         // that the run has last written
	provider *payment.ProviderState // as Mercado Pago has last answered; nil: it has no charge
	refunds  refunds
	dispute  dispute
	cards    []enteredCard // that the buyer has entered on the pay page
	taken    int           // how many of them the run has taken
}

// enteredCard is a card that a buyer has entered, and what Mercado Pago has answered about it; nil: nothing.
type enteredCard struct {
	workflows.CardInput
	state *payment.ProviderState
}

// storyOf reads the results of a run's activities.
func storyOf(h *history.History) (story, error) {
	s := story{refunds: refunds{answers: map[string]string{}, refused: map[string]bool{}}}
	start := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	if err := read(start.GetInput().GetPayloads(), &s.input); err != nil {
		return s, err
	}
	scheduled := map[int64]string{}
	var failed error
	for _, event := range h.GetEvents() {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
			update := event.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput()
			if update.GetName() == workflows.UpdateCard {
				var card enteredCard
				failed = errors.Join(failed, read(update.GetArgs().GetPayloads(), &card.CardInput))
				s.cards = append(s.cards, card)
			}
			if name := command.Name(update.GetName()); name == command.Refund || name == command.Cancel {
				var o command.Order
				failed = errors.Join(failed, read(update.GetArgs().GetPayloads(), &o))
				s.refunds.ordered(o)
			}
		case enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
			if signal := event.GetWorkflowExecutionSignaledEventAttributes(); signal.GetSignalName() == workflows.SignalDispute {
				failed = errors.Join(failed, read(signal.GetInput().GetPayloads(), &s.dispute.told))
			}
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
	if o := s.opened; s.provider == nil && o.Status == payment.Approved { // the run before has charged
		s.provider = &payment.ProviderState{
			PaymentID: o.ProviderPaymentID, Reference: s.input.PaymentID, Status: o.Status, RawStatus: "approved", Money: o.Money, UpdatedAt: o.Since,
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
	case "Charge", "Refund":
		s.provider = &payment.ProviderState{}
		err := read(result, s.provider)
		s.refunds.answered(s.provider.Refunds)
		s.ofCard()
		return err
	case "AskRefund":
		var asked activities.RefundAsked
		err := read(result, &asked)
		s.refunds.asked = append(s.refunds.asked, asked)
		return err
	case "KeepDisputes":
		var kept activities.DisputesKept
		err := read(result, &kept)
		s.dispute.kept(kept)
		return err
	case "Look", "Close", "Capture":
		var seen activities.Seen
		if err := read(result, &seen); err != nil || !seen.Found {
			return err
		}
		s.provider = &seen.State
		s.ofCard()
	case "EndRefund": // the recorded runs have one refund when it is refused
		for _, asked := range s.refunds.asked {
			s.refunds.refused[asked.ID] = true
		}
	case "TakeCard":
		var taken activities.CardTaken
		if err := read(result, &taken); err != nil {
			return err
		}
		if s.status = taken.Status; taken.New {
			s.taken++
		}
	case "Apply", "Fail", "Park", "Settle", "RejectCard", "EndEntry":
		var moved activities.Moved
		if err := read(result, &moved); err != nil {
			return err
		}
		s.status = moved.Status
	}
	return nil
}

// ofCard takes note that the provider's answer is about the card that was taken last.
func (s *story) ofCard() {
	if s.taken > 0 {
		s.cards[s.taken-1].state = s.provider
	}
}

func read(payloads []*common.Payload, into any) error {
	if len(payloads) == 0 {
		return nil
	}
	return converter.GetDefaultDataConverter().FromPayload(payloads[0], into)
}
