// Package lookup finds a payment by its id: in the cache, in Postgres and, when Postgres does not have it, in Temporal. The REST API
// and the console both ask here.
//
// Its one rule: a payment is "not found" only when Postgres and Temporal both say so. A payment that was accepted while Postgres was
// unavailable has no row yet, and a client app that reads "not found" would pay again.
package lookup

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Timeout is how long Postgres may take for one answer. A database that hangs counts as unavailable.
const Timeout = 3 * time.Second

// Database is Postgres.
type Database interface {
	Payment(ctx context.Context, id string) (payment.Payment, error) // kind NotFound when there is none
}

// Workflows is Temporal. Begun says whether a payment was accepted for a client app; an empty clientID stands for every client app.
type Workflows interface {
	Begun(ctx context.Context, clientID, paymentID string) (bool, error)
}

// Payments finds payments. It is safe for concurrent use.
type Payments struct {
	Database  Database
	Workflows Workflows
	Cache     *cache.Payments // optional: without it every read asks Postgres
}

// ErrNotFound says that no payment has this id, or that another client app has it: callers cannot distinguish the two.
var ErrNotFound = &failure.Error{Kind: failure.NotFound, Message: "there is no payment with this id"}

// Find returns the payment of a client app; an empty clientID finds the payments of every client app. An age above 0 says that
// Postgres did not answer, and how old the cached copy is that Find returns instead.
func (l Payments) Find(ctx context.Context, clientID, id string) (p payment.Payment, age time.Duration, err error) {
	if !payment.ValidID(id) {
		return payment.Payment{}, 0, ErrNotFound
	}
	p, age, err = l.Cache.Payment(ctx, id, l.Stored)
	switch {
	case failure.KindOf(err) == failure.NotFound:
		return payment.Payment{}, 0, l.missing(ctx, clientID, id)
	case err != nil:
		return payment.Payment{}, 0, err
	case clientID != "" && p.ClientID != clientID:
		return payment.Payment{}, 0, ErrNotFound
	}
	return p, age, nil
}

// missing says why Postgres has no row for a payment.
func (l Payments) missing(ctx context.Context, clientID, id string) error {
	begun, err := l.Workflows.Begun(ctx, clientID, id)
	switch {
	case err != nil:
		return &failure.Error{
			Kind: failure.Unavailable, Message: "we cannot tell right now whether this payment exists; retry the same request", Err: err,
		}
	case begun:
		return &failure.Error{
			Kind: failure.Unavailable, RetryAfter: time.Second,
			Message: "the payment is accepted but not stored yet; retry this request, or repeat its POST with the same Idempotency-Key",
		}
	}
	return ErrNotFound
}

// Stored reads the payment from Postgres.
func (l Payments) Stored(ctx context.Context, id string) (payment.Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return l.Database.Payment(ctx, id)
}

// Written returns the payment after its workflow has said which version is in the database; version 0: it has not said. If the workflow
// has written it since a given time, that has left a copy. An older copy does not count: it may show what the database has lost.
func (l Payments) Written(ctx context.Context, id string, version int, since time.Time) (payment.Payment, error) {
	if version > 0 {
		if p, ok := l.Cache.Since(ctx, id, since); ok && p.Version >= version {
			return p, nil
		}
	}
	return l.Refresh(ctx, id)
}

// Refresh is Stored for a payment that was just created. It puts a copy into the cache if the payment has not changed since: the worker
// has copied every later state (activities.moved).
func (l Payments) Refresh(ctx context.Context, id string) (payment.Payment, error) {
	asked := time.Now()
	p, err := l.Stored(ctx, id)
	if err == nil && p.Version == 1 {
		l.Cache.Keep(ctx, p, asked)
	}
	return p, err
}
