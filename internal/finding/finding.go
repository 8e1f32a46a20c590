// Package finding owns what operators may do about what reconciliation has found: list it, and close it with a reason. REST, the console
// and the command line decode a request, call this package and print what it answers.
//
// Its one rule: a finding that a person has closed stays closed while the provider says the same, and whoever closed it is known by name
// and reason.
package finding

import (
	"context"
	"strings"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// Store is where findings are kept: Postgres.
type Store interface {
	Findings(ctx context.Context, f payment.FindingFilter) ([]payment.Finding, error)
	// CloseFinding ends one; kind Conflict when it was closed otherwise or has settled itself, NotFound when there is none.
	CloseFinding(ctx context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error)
}

// Actions is what operators may do. It is safe for concurrent use.
type Actions struct{ Store Store }

// List finds what is open, the newest first. The pointers of what is wrong with the filter are bare names.
func (a Actions) List(ctx context.Context, f payment.FindingFilter) ([]payment.Finding, error) {
	if wrong := f.Fields(); len(wrong) > 0 {
		return nil, &failure.Error{Kind: failure.Invalid, Message: "the filter is not valid", Fields: wrong}
	}
	return a.Store.Findings(ctx, f)
}

// Close ends a finding of any kind: what it says is known, and nothing needs to be done about it any more. To repeat it in the same words
// changes nothing.
func (a Actions) Close(ctx context.Context, actor audit.Actor, id int64, reason string) (payment.Finding, error) {
	reason = strings.TrimSpace(reason)
	if wrong := append(actor.Fields(), audit.ReasonFields(reason)...); len(wrong) > 0 {
		return payment.Finding{}, &failure.Error{Kind: failure.Invalid, Message: "the finding cannot be closed like this", Fields: wrong}
	}
	f, err := a.Store.CloseFinding(ctx, actor, id, reason)
	if failure.KindOf(err) == failure.NotFound {
		return f, &failure.Error{Kind: failure.NotFound, Message: "there is no finding with this id", Err: err}
	}
	return f, err
}
