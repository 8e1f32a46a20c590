// Package settle lets an operator decide that a payment with an unknown outcome has failed. REST, the console and the command line
// decode a request, call this package and print what it returns.
//
// Its one rule: the provider's answer comes first. The payment's workflow searches the provider once more; if the provider has the
// payment, the workflow takes the provider's status and refuses the operator's decision.
package settle

import (
	"context"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Age is how long a payment must have been unknown before it may be settled: the provider's search needs time to find a charge.
const Age = 10 * time.Minute

// Order is the decision that a payment has failed, with its actor and reason.
type Order struct {
	PaymentID string `json:"payment_id"`
	Actor     string `json:"actor"`
	Reason    string `json:"reason"`
	// See audit.Actor. Orders that are older than the audit have neither.
	Channel audit.Channel `json:"door,omitempty"`
	From    string        `json:"from,omitempty"`
}

// By is the actor of the decision.
func (o Order) By() audit.Actor { return audit.Actor{Name: o.Actor, Channel: o.Channel, From: o.From} }

// Payments reads payments: Postgres.
type Payments interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound if there is none
	Events(ctx context.Context, id string, after, limit int) ([]payment.Event, error)
}

// Engine carries out an order: the payment's workflow. Errors: Conflict if the payment is no longer unknown or the provider has it;
// Unavailable if the provider does not answer.
type Engine interface {
	Settle(ctx context.Context, o Order) error
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct {
	Payments Payments
	Engine   Engine
}

// Fail settles an unknown payment as failed and returns the settled payment. The same actor may repeat it with the same reason.
// Kind Conflict if the payment may not be settled, NotFound if there is none.
func (a Actions) Fail(ctx context.Context, actor audit.Actor, id, reason string) (payment.Payment, error) {
	reason = strings.TrimSpace(reason)
	if wrong := append(actor.Fields(), audit.ReasonFields(reason)...); len(wrong) > 0 {
		return payment.Payment{}, &failure.Error{Kind: failure.Invalid, Message: "the decision is not valid", Fields: wrong}
	}
	p, err := a.read(ctx, id)
	if err != nil {
		return payment.Payment{}, err
	}
	o := Order{PaymentID: id, Actor: actor.Name, Reason: reason, Channel: actor.Channel, From: actor.From}
	if same, err := a.repeats(ctx, p, o); same || err != nil {
		return p, err
	}
	if err := may(p, time.Now()); err != nil {
		return payment.Payment{}, err
	}
	if err := a.Engine.Settle(ctx, o); err != nil {
		return payment.Payment{}, err
	}
	return a.read(ctx, id)
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

// repeats says whether the same actor has already settled the payment with the same reason.
func (a Actions) repeats(ctx context.Context, p payment.Payment, o Order) (bool, error) {
	if p.Status != payment.Failed {
		return false, nil
	}
	last, err := a.Payments.Events(ctx, p.ID, p.Version-1, 1)
	if err != nil || len(last) == 0 {
		return false, err
	}
	return last[0].Data.Actor == o.Actor && last[0].Data.Reason == o.Reason, nil
}

// may returns why the payment cannot be settled, or nil.
func may(p payment.Payment, now time.Time) error {
	if p.Status != payment.Unknown {
		return &failure.Error{Kind: failure.Conflict, Message: "the payment is " + string(p.Status) + "; only an unknown payment can be settled"}
	}
	if since := now.Sub(p.UpdatedAt); since < Age {
		at := p.UpdatedAt.Add(Age).UTC().Format(time.RFC3339)
		return &failure.Error{
			Kind: failure.Conflict, Message: "the provider's search may not find the payment yet; repeat this after " + at, RetryAfter: Age - since,
		}
	}
	return nil
}
