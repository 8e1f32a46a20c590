// Package settle owns what an operator may decide about a payment whose outcome nobody knows: that it has failed. REST, the console
// and the command line decode a request, call this package and print what it answers.
//
// Its one rule: nothing is decided against the provider. The payment's own workflow searches for it once more, and what it finds
// is followed instead of the operator.
package settle

import (
	"context"
	"strings"
	"time"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Age is for how long a payment must have been unknown: by then the provider's search knows what it has charged.
const Age = 10 * time.Minute

// Order is what somebody has decided about a payment, and why.
type Order struct {
	PaymentID string `json:"payment_id"`
	Actor     string `json:"actor"`
	Reason    string `json:"reason"`
	// See audit.Actor. Orders that are older than the audit have neither.
	Channel audit.Channel `json:"door,omitempty"`
	From    string        `json:"from,omitempty"`
}

// By is who has decided.
func (o Order) By() audit.Actor { return audit.Actor{Name: o.Actor, Channel: o.Channel, From: o.From} }

// Payments is where payments are kept: Postgres.
type Payments interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound when there is none
	Events(ctx context.Context, id string, after, limit int) ([]payment.Event, error)
}

// Engine carries an order out: the payment's workflow. Errors: Conflict when the payment is not unknown any more, or the provider
// has it after all; Unavailable when the provider does not say.
type Engine interface {
	Settle(ctx context.Context, o Order) error
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct {
	Payments Payments
	Engine   Engine
}

// Fail settles an unknown payment as failed, and returns it as it stands then. To repeat that in the same words changes nothing;
// kind Conflict when the payment may not be settled, NotFound when there is none.
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

// repeats says whether the payment is settled already, by the same actor and for the same reason.
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

// may says why a payment cannot be settled, or nil.
func may(p payment.Payment, now time.Time) error {
	if p.Status != payment.Unknown {
		return &failure.Error{Kind: failure.Conflict, Message: "the payment is " + string(p.Status) + "; only an unknown one can be settled"}
	}
	if since := now.Sub(p.UpdatedAt); since < Age {
		at := p.UpdatedAt.Add(Age).UTC().Format(time.RFC3339)
		return &failure.Error{
			Kind: failure.Conflict, Message: "the provider's search may not know the payment yet; repeat this after " + at, RetryAfter: Age - since,
		}
	}
	return nil
}
