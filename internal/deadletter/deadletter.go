// Package deadletter owns what operators may do about dead letters: list them, discard one, and redrive them, which means to send
// them again. REST, the console and the command line decode a request, call this package and print what it returns.
//
// Its one rule: every request is checked here, so that all three refuse the same requests. Every change needs an actor, and every
// discard and every redrive of many dead letters needs a reason.
package deadletter

import (
	"context"
	"strings"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// MaxList is the largest limit of a list.
const MaxList = 1000

// Store keeps dead letters: Postgres.
type Store interface {
	DeadLetter(ctx context.Context, id string) (Message, error) // kind NotFound when there is none
	DeadLetters(ctx context.Context, f Filter) ([]Message, error)
	DiscardDeadLetter(ctx context.Context, actor audit.Actor, id, reason string) (Message, error) // with its entry in the audit
	Audit(ctx context.Context, e audit.Entry) error
}

// Redriver starts redrives: Temporal.
type Redriver interface {
	// Redrive starts the redrive with the order's ID, or joins it if it exists; kind Conflict if that one has another plan.
	Redrive(ctx context.Context, o Order) (joined bool, err error)
	// HasRedrive says whether a redrive with the ID exists, running or ended.
	HasRedrive(ctx context.Context, id string) (bool, error)
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct {
	Store    Store
	Redriver Redriver
}

// List finds dead letters, the latest first. The errors of the filter have bare names as pointers.
func (a Actions) List(ctx context.Context, f Filter) ([]Message, error) {
	wrong := f.Fields()
	if f.Limit < 1 || f.Limit > MaxList {
		wrong = append(wrong, wholeNumber("limit", 1, MaxList))
	}
	if len(wrong) > 0 {
		return nil, &failure.Error{Kind: failure.Invalid, Message: "the filter is not valid", Fields: wrong}
	}
	return a.Store.DeadLetters(ctx, f)
}

// Show reads one dead letter; kind NotFound if there is none with this id.
func (a Actions) Show(ctx context.Context, id string) (Message, error) {
	none := &failure.Error{Kind: failure.NotFound, Message: "there is no dead letter with this id"}
	if !payment.ValidID(id) {
		return Message{}, none
	}
	m, err := a.Store.DeadLetter(ctx, id)
	if failure.KindOf(err) == failure.NotFound {
		return Message{}, none
	}
	return m, err
}

// Discard closes a dead letter for good. The same actor may repeat it with the same reason; kind Conflict if the dead letter was
// closed in another way.
func (a Actions) Discard(ctx context.Context, actor audit.Actor, id, reason string) (Message, error) {
	reason = strings.TrimSpace(reason)
	if wrong := append(actor.Fields(), audit.ReasonFields(reason)...); len(wrong) > 0 {
		return Message{}, &failure.Error{Kind: failure.Invalid, Message: "the discard is not valid", Fields: wrong}
	}
	if _, err := a.Show(ctx, id); err != nil {
		return Message{}, err
	}
	return a.Store.DiscardDeadLetter(ctx, actor, id, reason)
}
