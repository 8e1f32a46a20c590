package email

import (
	"time"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// Alert is the part of a dead letter that operators get by e-mail.
type Alert struct {
	Cause      deadletter.Cause
	PaymentID  string
	WorkflowID string
	RunID      string
	Error      string // without personal data
	At         time.Time
}

// ToOperator is the e-mail which says that a payment waits for an operator, and what to do.
func ToOperator(to string, a Alert, id string) (Message, error) {
	return content{
		Language: english.tag, Tone: urgent, Heading: "A payment waits for an operator",
		Intro: a.Cause.Advice(),
		Facts: []fact{
			{"Cause", string(a.Cause)}, {"Payment", a.PaymentID}, {"Workflow", a.WorkflowID}, {"Run", a.RunID},
			{"What happened", quotable(a.Error, longestError)}, {"When", a.At.UTC().Format(time.RFC3339)},
		},
		Notes: []string{
			"To list all open dead letters of this cause: onlywave dead-letters list --cause " + string(a.Cause),
			"More dead letters of this cause may follow within the hour. They are in that list, and cause no further e-mail.",
		},
		Footer: "Automatic e-mail of OnlyWave to its operators.",
	}.message(Message{ID: id, Notice: payment.Alert, To: to, Subject: "OnlyWave: dead letter, " + string(a.Cause)})
}
