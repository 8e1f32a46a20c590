package email

import (
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// Letter is a dead letter as operators are told of it.
type Letter struct {
	Cause      deadletter.Cause
	PaymentID  string
	WorkflowID string
	RunID      string
	Error      string // for people; no personal data
	At         time.Time
}

// ToOperator writes that a payment waits for a person, and what that person can do.
func ToOperator(to string, l Letter, id string) (Message, error) {
	return letter{
		Language: english.tag, Tone: urgent, Heading: "A payment waits for a person",
		Intro: l.Cause.Advice(),
		Facts: []fact{
			{"Cause", string(l.Cause)}, {"Payment", l.PaymentID}, {"Workflow", l.WorkflowID}, {"Run", l.RunID},
			{"What happened", quotable(l.Error, longestError)}, {"When", l.At.UTC().Format(time.RFC3339)},
		},
		Notes: []string{
			"To see all that wait: onlywave dead-letters list --cause " + string(l.Cause),
			"Others of this cause may follow within the hour; they are in that list and bring no further e-mail.",
		},
		Footer: "Automatic e-mail of OnlyWave to its operators.",
	}.message(Message{ID: id, Notice: payment.Alert, To: to, Subject: "OnlyWave: dead letter, " + string(l.Cause)})
}
