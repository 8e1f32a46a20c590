// Package workflows holds the business processes, and the client that starts, signals and updates them. Its rule: one mailbox per
// payment. Everything that happens to a payment happens in its workflow, one thing at a time, so
// nothing races; and only Client starts or signals workflows.
package workflows

import (
	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/command"
)

// Where the workers listen. The activities that the provider answers have a queue of their own, so that a slow provider delays
// no other activity.
const (
	TaskQueue         = "payments"
	ProviderTaskQueue = "payments-provider"
)

// Messages that a payment's workflow understands. Package command has the catalogue of all.
const (
	UpdateCreate = "create"  // answered once the provider has answered, or the outcome is unknown
	SignalLook   = "look"    // something may have changed at the provider: look again
	QueryState   = "payment" // what the mailbox knows and waits for
)

// describes is what Temporal's Web UI and command line say of a message.
func describes(name command.Name) string {
	e, _ := command.Find(name)
	return e.Does.English
}

// QueryRedrive asks a redrive how it stands.
const QueryRedrive = "redrive"

// WorkflowID is the ID under which all runs of a payment are found.
func WorkflowID(paymentID string) string { return "payment/" + paymentID }

// RedriveWorkflowID is the ID of a redrive's workflow.
func RedriveWorkflowID(redriveID string) string { return "redrive/" + redriveID }

// act names the activities. It is nil in workflow code, and the worker registers the live one.
var act *activities.Activities
