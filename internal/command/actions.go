// Package command is what may be asked of a payment: the catalogue of commands, when each is possible, and the one way in which REST,
// the console and the command line order one. They decode a request, call this package and print what it returns.
//
// Its one rule: the provider's answer comes first. A command never overrules what the provider says about a payment; the payment's
// workflow asks the provider, takes its status, and refuses what contradicts it.
package command

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Payments reads payments, and stores who requests a command: Postgres.
type Payments interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound if there is none
	Events(ctx context.Context, id string, after, limit int) ([]payment.Event, error)
	Hold(ctx context.Context, paymentID string) (payment.Hold, error) // zero if the payment is not held
	RequestCommand(ctx context.Context, o Order) error
}

// Engine carries out an order: the payment's workflow, which writes the audit with the change. Errors: Conflict if the payment's state
// or the provider's answer forbids it; ErrRunning if the wait ended before the command; Unavailable if the provider or Temporal does not
// answer.
type Engine interface {
	Command(ctx context.Context, o Order) error
}

// ErrRunning says that a command was accepted and is still being carried out. It goes on, whether or not somebody waits.
var ErrRunning error = &failure.Error{
	Kind: failure.Unavailable, Message: "the command is accepted and still being carried out; read the payment again in a moment",
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct {
	Payments Payments
	Engine   Engine
}

// Do carries out an order and returns the payment as it is afterwards; with ErrRunning, as it was before. The order's actor and channel are set
// here, and its ID unless it has one. Settle may be repeated by the same actor with the same reason; all other commands are safe to repeat. Kind Invalid if a field is not valid, Conflict
// if the command is not possible, NotFound if there is no such payment.
func (a Actions) Do(ctx context.Context, actor audit.Actor, o Order) (payment.Payment, error) {
	o.Actor, o.Channel, o.From, o.ID = actor.Name, actor.Channel, actor.From, cmp.Or(o.ID, uuid.NewString())
	o = o.tidied()
	if wrong := o.Fields(time.Now()); len(wrong) > 0 {
		return payment.Payment{}, &failure.Error{Kind: failure.Invalid, Message: "the order is not valid", Fields: wrong}
	}
	p, err := a.read(ctx, o.PaymentID)
	if err != nil {
		return payment.Payment{}, err
	}
	if same, err := a.repeats(ctx, p, o); same || err != nil {
		return p, err
	}
	h, err := a.Payments.Hold(ctx, p.ID)
	if err != nil {
		return payment.Payment{}, err
	}
	if err := may(o, p, h, time.Now()); err != nil {
		return payment.Payment{}, err
	}
	if err := a.Payments.RequestCommand(ctx, o); err != nil {
		return payment.Payment{}, err
	}
	switch err := a.Engine.Command(ctx, o); {
	case errors.Is(err, ErrRunning):
		return p, err
	case err != nil:
		return payment.Payment{}, err
	}
	return a.read(ctx, o.PaymentID)
}

func (a Actions) read(ctx context.Context, id string) (payment.Payment, error) {
	none := &failure.Error{Kind: failure.NotFound, Message: "there is no payment with this id"}
	if !payment.ValidID(id) {
		return payment.Payment{}, none
	}
	p, err := a.Payments.Payment(ctx, id)
	if failure.KindOf(err) == failure.NotFound {
		return payment.Payment{}, none
	}
	return p, err
}

// repeats says whether what is asked for is so already: the payment is cancelled, or that sum is captured, or the same actor has settled it as
// failed with the same reason.
func (a Actions) repeats(ctx context.Context, p payment.Payment, o Order) (bool, error) {
	if o.Command == Cancel && p.Status == payment.Cancelled {
		return true, nil
	}
	if o.Command == Capture && p.Captured != 0 && p.Captured == cmp.Or(o.Amount, p.Amount.Centavos) {
		return true, nil
	}
	if o.Command != Settle || p.Status != payment.Failed {
		return false, nil
	}
	last, err := a.Payments.Events(ctx, p.ID, p.Version-1, 1)
	if err != nil || len(last) == 0 {
		return false, err
	}
	return last[0].Data.Actor == o.Actor && last[0].Data.Reason == o.Reason, nil
}

// may returns why the order is not possible, or nil.
func may(o Order, p payment.Payment, h payment.Hold, now time.Time) error {
	if o.Command == Settle && o.Outcome == Found && p.Status == payment.Unknown {
		p.UpdatedAt = time.Time{} // the provider's answer decides, however young the payment is
	}
	option := Check(o.Command, p, h, now)
	if option.Possible {
		return nil
	}
	refusal := &failure.Error{Kind: failure.Conflict, Message: option.WhyNot.English}
	if !option.After.IsZero() {
		refusal.RetryAfter = option.After.Sub(now)
	}
	return refusal
}
