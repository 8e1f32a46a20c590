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

// Settle waits until the platform has settled: the queues and the spool are empty, every webhook is stored, and each payment and its
// workflow agree with the provider. It must be so twice in a row, because no queue shows what a consumer has in hand. When ctx ends
// before, the error names one thing that is still under way; Gather and Check find all of them. The clients' log may be nil.
func Settle(ctx context.Context, p *platform.Platform, clients *load.Log) error {
	return settle(ctx, p, clients, backup{})
}

// settle does not count what a restore of the database has lost.
func settle(ctx context.Context, p *platform.Platform, clients *load.Log, lost backup) error {
	why := errors.New("nothing has been checked yet")
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
			return fmt.Errorf("the platform has not settled: %w", errors.Join(why, ctx.Err()))
		}
	}
}

// stirring says what is still under way, or is nil.
func stirring(ctx context.Context, p *platform.Platform, clients *load.Log, lost backup) error {
	e, err := gather(ctx, p, clients)
	if err != nil {
		return err
	}
	e.lost = lost
	if all := stillToCome(e); len(all) > 0 {
		return fmt.Errorf("%d rules do not hold yet, such as %s", len(all), all[0])
	}
	return nil
}

// releaseSoon is longer than the simulator holds the money of a payment here, and shorter than the hour of a test that wants none released.
const releaseSoon = 5 * time.Second

// stillToCome is what does not hold yet, or would not in a moment: money that is released before the sides are asked for the last time must be
// settled, too.
func stillToCome(e Evidence) []Objection {
	e.Asked = e.Asked.Add(releaseSoon)
	return unsettled(e)
}
