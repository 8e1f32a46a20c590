package activities

import (
	"context"
	"errors"
	"time"

	"github.com/onlywave/onlywave/internal/events"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/rabbitmq"
)

// alertsAtOnce bounds what one run of the activity reports.
const alertsAtOnce = 50

// differenceAge is how long a payment may be behind the provider before an operator is alerted. Each run signals it meanwhile, so a
// difference this old means that looking does not help.
const differenceAge = 15 * time.Minute

// AlertFindings publishes the findings that an operator has to look at and that were not published before, as reconciliation.<kind>
// on onlywave.events, and returns them, for the log. A finding is marked after it was published: a second run may publish a twin
// with the same ID. A finding counts as published even if one subscriber's queue does not take it: the other queues have it, and it
// stays open until an operator has dealt with it.
func (a *Activities) AlertFindings(ctx context.Context) ([]payment.Finding, error) {
	at, err := a.database.Now(ctx)
	if err != nil {
		return nil, activityError(err)
	}
	found, err := a.database.Unalerted(ctx, differenceAge, alertsAtOnce)
	if err != nil {
		return nil, activityError(err)
	}
	var alerted []int64
	var failed error
	for _, f := range found {
		if failed = a.alert(ctx, f); failed != nil {
			break
		}
		alerted = append(alerted, f.ID)
	}
	if err := errors.Join(a.database.Alerted(ctx, alerted, at), failed); err != nil {
		return nil, activityError(err)
	}
	return found, nil
}

func (a *Activities) alert(ctx context.Context, f payment.Finding) error {
	message, err := events.Finding(f)
	if err != nil {
		return err
	}
	err = a.events.Publish(ctx, rabbitmq.ExchangeEvents, message)
	switch {
	case err == nil, errors.Is(err, rabbitmq.ErrRefused), errors.Is(err, rabbitmq.ErrUnconfirmed):
		return nil // the publisher counts it
	}
	return &failure.Error{Kind: failure.Unavailable, Message: "the broker did not take the event", Err: err}
}
