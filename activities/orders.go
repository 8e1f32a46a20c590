package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/payment"
)

// OrderInput is an operator's order, which the payment's workflow has found to be possible.
type OrderInput struct {
	command.Order
}

// HoldInput is an order to hold a payment, with the hold.
type HoldInput struct {
	command.Order
	Hold payment.Hold `json:"hold"`
}

// entry is the audit's entry of what an order carries out. Anybody who may send signals to Temporal may write an order; its channel counts
// only if one of our front ends has stored the request.
func (a *Activities) entry(ctx context.Context, o command.Order, carriesOut command.Name) (audit.Entry, error) {
	by, err := a.database.RequestedBy(ctx, o)
	return o.Entry(carriesOut, by), err
}

// AuditOrder writes an order to the audit that changes nothing in the database. Its ID decides: a second run finds the entry of the first.
func (a *Activities) AuditOrder(ctx context.Context, in OrderInput) error {
	entry, err := a.entry(ctx, in.Order, in.Command)
	if err == nil {
		err = a.database.Audit(ctx, entry)
	}
	return activityError(err)
}

// Hold holds a payment, and writes the audit with it. The order's ID decides: a second run changes nothing, also after a release.
func (a *Activities) Hold(ctx context.Context, in HoldInput) (payment.Hold, error) {
	entry, err := a.entry(ctx, in.Order, command.Hold)
	if err != nil {
		return payment.Hold{}, activityError(err)
	}
	h, err := a.database.SetHold(ctx, in.PaymentID, in.Hold, entry)
	return h, activityError(err)
}

// Release ends a payment's hold, and writes the audit with it, also for an order that includes the release, such as to give up. A payment
// that is not held does not change.
func (a *Activities) Release(ctx context.Context, in OrderInput) (payment.Hold, error) {
	entry, err := a.entry(ctx, in.Order, command.Release)
	if err != nil {
		return payment.Hold{}, activityError(err)
	}
	h, err := a.database.EndHold(ctx, in.PaymentID, entry)
	return h, activityError(err)
}

// ExpireHold ends a hold whose time is over. The hold's own times decide: a second run changes nothing.
func (a *Activities) ExpireHold(ctx context.Context, in HoldInput) (payment.Hold, error) {
	h, err := a.database.EndHold(ctx, in.PaymentID, audit.Entry{
		ID:     payment.NewAuditID("hold end\x00" + in.PaymentID + "\x00" + in.Hold.At.UTC().Format(time.RFC3339Nano)),
		Actor:  audit.Actor{Name: "OnlyWave", Channel: audit.Workflow},
		Action: audit.PaymentHoldEnd, Object: "payment/" + in.PaymentID, Reason: "the end of the hold has come",
	})
	return h, activityError(err)
}

// GiveUpOrder is an order to give up the charge of a payment.
type GiveUpOrder struct {
	command.Order
	MaySent bool `json:"may_sent,omitempty"` // a charge may have been sent
}

// GiveUp writes that an operator has ended the attempts to charge a payment. One that is not processing any more stays as it is.
func (a *Activities) GiveUp(ctx context.Context, in GiveUpOrder) (Moved, error) {
	asked := time.Now()
	entry, err := a.entry(ctx, in.Order, command.GiveUp)
	if err != nil {
		return Moved{}, activityError(err)
	}
	m, err := a.database.GiveUp(ctx, in.PaymentID, entry, in.MaySent || a.restored(), a.now())
	return a.moved(ctx, asked, m, err)
}

// FoundInput is a charge that an operator has found in the provider's panel, as the provider says it stands.
type FoundInput struct {
	command.Order
	State payment.ProviderState `json:"state"`
}

// SettleFound moves a payment to the charge that an operator has found. The answer's own time decides: a second run finds it applied.
func (a *Activities) SettleFound(ctx context.Context, in FoundInput) (Moved, error) {
	asked := time.Now()
	state, err := a.understood(ctx, in.PaymentID, in.State)
	if err != nil {
		return Moved{}, activityError(err)
	}
	entry, err := a.entry(ctx, in.Order, command.Settle)
	if err != nil {
		return Moved{}, activityError(err)
	}
	m, err := a.database.ApplyFound(ctx, in.PaymentID, state, entry, a.now())
	return a.moved(ctx, asked, m, err)
}

// Attempts is what the activities of a run did when they were made due.
type Attempts struct {
	Due     int `json:"due"`     // waited, and are due now
	Running int `json:"running"` // an attempt was under way, and was left alone
	Paused  int `json:"paused"`  // were paused by an operator, and stay so
}

// AttemptNow makes the activities of the run that calls it due now, those that wait for their next attempt. It may run twice: an activity
// that is due already, or runs, is left alone.
func (a *Activities) AttemptNow(ctx context.Context) (Attempts, error) {
	info := activity.GetInfo(ctx)
	n, err := a.workflows.AttemptNow(ctx, info.Namespace, info.WorkflowExecution.ID, info.WorkflowExecution.RunID)
	return n, activityError(err)
}
