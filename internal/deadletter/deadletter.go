// Package deadletter owns what operators may do about dead letters: list them, give one up, send some again. REST, the console
// and the command line decode a request, call this package and print what it answers.
//
// Its one rule: whatever is asked is checked here, so that all three refuse the same, and nothing is changed by anybody who has
// not said who does it, and why.
package deadletter

import (
	"context"
	"strings"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// MaxList is how many dead letters one list may ask for.
const MaxList = 1000

// Store is where dead letters are kept: Postgres.
type Store interface {
	DeadLetter(ctx context.Context, id string) (Message, error) // kind NotFound when there is none
	DeadLetters(ctx context.Context, f Filter) ([]Message, error)
	DiscardDeadLetter(ctx context.Context, actor audit.Actor, id, reason string) (Message, error) // and records it
	Audit(ctx context.Context, e audit.Entry) error
}

// Redriver starts redrives: Temporal.
type Redriver interface {
	// Redrive joins the redrive with the order's ID, which it starts unless it is there; kind Conflict when that one was
	// ordered in other words.
	Redrive(ctx context.Context, o Order) (joined bool, err error)
	// HasRedrive says whether there is one with the ID, however it ended.
	HasRedrive(ctx context.Context, id string) (bool, error)
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct {
	Store    Store
	Redriver Redriver
}

// List finds dead letters, those that died last first. The pointers of what is wrong with the filter are bare names.
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

// Show reads one; kind NotFound when there is none with this id.
func (a Actions) Show(ctx context.Context, id string) (Message, error) {
	none := &failure.Error{Kind: failure.NotFound, Message: "there is no dead letter with this id"}
	if !payment.ValidID(id) {
		return Message{}, none
	}
	l, err := a.Store.DeadLetter(ctx, id)
	if failure.KindOf(err) == failure.NotFound {
		return Message{}, none
	}
	return l, err
}

// Discard gives a dead letter up for good. To repeat it in the same words changes nothing; kind Conflict when it was closed in
// another way.
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
