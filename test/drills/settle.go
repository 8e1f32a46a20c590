package drills

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

var quiet = slog.New(slog.DiscardHandler)

// settleEvery is how often the sides are asked, at most: asking is a load too.
const settleEvery = 500 * time.Millisecond

// Settle waits until the platform is quiet: the queues and the spool are empty, every webhook is kept, and each payment
// stands where the provider and its buyer left it, its workflow with it. It must be so at two looks in a row, as no queue
// shows what a consumer has in hand. When ctx ends before, the error says what is still under way; Gather and Check will
// say it all. The clients' log may be nil.
func Settle(ctx context.Context, p *platform.Platform, clients *load.Log) error {
	return settle(ctx, p, clients, backup{})
}

// settle excuses what a restore of the database has lost.
func settle(ctx context.Context, p *platform.Platform, clients *load.Log, lost backup) error {
	why := errors.New("nothing is known yet")
	for looks := 1; ; looks++ {
		began := time.Now()
		found := stirring(ctx, p, clients, lost)
		if ctx.Err() == nil {
			why = found
		}
		if found != nil {
			looks = 0
		} else if looks == 2 {
			return nil
		}
		wait := time.NewTimer(max(settleEvery, time.Since(began)))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return fmt.Errorf("the platform is not quiet: %w", errors.Join(why, ctx.Err()))
		}
	}
}

// stirring is what is still under way, or nil.
func stirring(ctx context.Context, p *platform.Platform, clients *load.Log, lost backup) error {
	e, err := gather(ctx, p, clients)
	if err != nil {
		return err
	}
	e.lost = lost
	if all := unsettled(e); len(all) > 0 {
		return fmt.Errorf("%d things are under way, such as %s", len(all), all[0])
	}
	return nil
}
