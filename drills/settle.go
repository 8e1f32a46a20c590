package drills

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/onlywave/onlywave/dev"
	"github.com/onlywave/onlywave/load"
)

var quiet = slog.New(slog.DiscardHandler)

// settleEvery is how often the sides are asked, at most: asking is a load too.
const settleEvery = 500 * time.Millisecond

// Settle waits until the platform is quiet: the queues and the spool are empty, every webhook is kept, and each payment
// stands where the provider and its buyer left it, its workflow with it. When ctx ends before, the error says what is
// still under way; Gather and Check will say it all. The clients' log may be nil.
func Settle(ctx context.Context, p *dev.Platform, clients *load.Log) error {
	for {
		began := time.Now()
		e, err := gather(ctx, p, clients)
		under := unsettled(e)
		if err == nil && len(under) == 0 {
			return nil
		}
		if ctx.Err() == nil {
			wait := time.NewTimer(max(settleEvery, time.Since(began)))
			select {
			case <-wait.C:
				continue
			case <-ctx.Done():
				wait.Stop()
			}
		}
		if err != nil {
			return fmt.Errorf("the platform cannot be asked: %w", err)
		}
		return fmt.Errorf("not quiet: %d things are under way, such as %s: %w", len(under), under[0], ctx.Err())
	}
}
