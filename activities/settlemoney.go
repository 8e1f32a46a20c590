package activities

import (
	"context"
	"time"
)

const (
	settleBatch = 200              // payments of one transaction, so that no other transaction waits long for any of them
	settleTime  = 20 * time.Second // after which an activity ends and lets the next go on
)

// MoneySettled is what an activity has settled.
type MoneySettled struct {
	Payments int  `json:"payments"`
	More     bool `json:"more"` // there may be more
}

// SettleMoney settles the payments whose money Mercado Pago has released by now, by Postgres' clock, each with its event. The row of the
// payment decides: a second run settles only what the first has left.
func (a *Activities) SettleMoney(ctx context.Context) (MoneySettled, error) {
	out := MoneySettled{More: true}
	for began := time.Now(); out.More && time.Since(began) < settleTime; {
		asked := time.Now()
		settled, err := a.database.SettleMoney(ctx, a.now(), settleBatch)
		if err != nil {
			return out, activityError(err)
		}
		for _, p := range settled {
			a.cache.Keep(ctx, p, asked)
		}
		out.Payments += len(settled)
		out.More = len(settled) == settleBatch
	}
	return out, nil
}
