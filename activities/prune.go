package activities

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

const (
	pruneBatch = 2000             // rows of each kind in one transaction, so that no other transaction waits long for any of them
	pruneTime  = 20 * time.Second // after which an activity ends and lets the next go on
)

// MakeMonths makes the partitions that the database will need soon and returns their names. A second run finds them there.
func (a *Activities) MakeMonths(ctx context.Context) ([]string, error) {
	at, err := a.database.Now(ctx)
	if err != nil {
		return nil, activityError(err)
	}
	made, err := a.database.MakePartitionsAhead(ctx, at)
	if err != nil {
		return made, activityError(err)
	}
	return made, nil
}

// PruneOutput is what an activity has removed.
type PruneOutput struct {
	Pruned payment.Pruned `json:"pruned"`
	More   bool           `json:"more"` // there may be more
}

// Prune removes what is older, by Postgres' clock, than the database has to keep it, for as long as an activity may take. A second run removes
// only what the first has left.
func (a *Activities) Prune(ctx context.Context, in payment.Retention) (PruneOutput, error) {
	out := PruneOutput{More: true}
	at, err := a.database.Now(ctx)
	if err != nil {
		return out, activityError(err)
	}
	for began := time.Now(); out.More && time.Since(began) < pruneTime; {
		pruned, more, err := a.database.Prune(ctx, in, at, pruneBatch)
		if err != nil {
			return out, activityError(err)
		}
		out.Pruned.Add(pruned)
		out.More = more
	}
	return out, nil
}
