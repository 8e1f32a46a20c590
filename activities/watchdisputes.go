package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	// remindBefore is how long before its deadline a dispute is reminded of.
	remindBefore = 48 * time.Hour
	// askAgain is how long the provider may be silent about a dispute before it is asked: a notification may be lost.
	askAgain = 6 * time.Hour
	// watchBatch is how many disputes one activity reminds of, and asks about.
	watchBatch = 100
)

// DisputesWatched is what an activity has done for disputes that wait.
type DisputesWatched struct {
	Reminded []payment.Dispute `json:"reminded,omitempty"`
	Asked    int               `json:"asked"` // payments that were signalled
	More     bool              `json:"more"`  // there may be more
}

// WatchDisputes writes the reminder of each dispute whose deadline is near, and has the disputes read that the provider has been silent about,
// and the claims that no notification has told of. The row of the dispute decides: a second run reminds of nothing again. It may signal a payment
// twice, which is one more question.
func (a *Activities) WatchDisputes(ctx context.Context) (DisputesWatched, error) {
	at := a.now()
	var out DisputesWatched
	var err error
	if out.Reminded, err = a.database.RemindDisputes(ctx, at, at.Add(remindBefore), watchBatch); err != nil {
		return out, activityError(err)
	}
	silent, err := a.database.UnaskedDisputes(ctx, at.Add(-askAgain), watchBatch)
	if err != nil {
		return out, activityError(err)
	}
	for _, d := range silent {
		if err := a.workflows.Dispute(ctx, d.PaymentID, payment.DisputeRef{Kind: d.Kind, ID: d.ProviderID}); err != nil {
			return out, activityError(err)
		}
		out.Asked++
	}
	if out.More = len(out.Reminded) == watchBatch; out.More {
		return out, nil
	}
	found, err := a.findClaims(mercadopago.WithPriority(ctx, payment.ForSweep, ""))
	out.Asked += found
	return out, activityError(err)
}
