package activities

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/onlywave/onlywave/internal/failure"
)

const (
	triesAtOnce = 32               // of one activity; each keeps the place of a workflow task meanwhile
	lookTime    = time.Second      // several times what Mercado Pago takes to answer while it is well
	chargeTime  = 4 * time.Second  // it takes longer to charge, and one cut short is in doubt
	tryAgain    = 10 * time.Second // after one has run out of time
)

// tries are the quick ones of a provider's activity that a workflow makes before it asks for an activity of its own. They run
// where the workflows do, so they take a free place or none, for a short time, and not at all while the provider is known to
// be slow: else a slow provider would keep the workflows from activities that have nothing to do with it.
type tries struct {
	length time.Duration
	places chan struct{}
	slow   atomic.Int64 // Unix milliseconds until which the provider counts as slow
}

func newTries(length time.Duration) *tries {
	return &tries{length: length, places: make(chan struct{}, triesAtOnce)}
}

// bound runs an activity as it is, unless this is a quick try of it.
func (t *tries) bound(ctx context.Context, steady bool, run func(context.Context) error) error {
	if !activity.IsActivity(ctx) || !activity.GetInfo(ctx).IsLocalActivity {
		return run(ctx)
	}
	return t.try(ctx, steady, run)
}

func (t *tries) try(ctx context.Context, steady bool, run func(context.Context) error) error {
	if !steady || time.Now().UnixMilli() < t.slow.Load() {
		return noTry("the provider is in trouble")
	}
	select {
	case t.places <- struct{}{}:
		defer func() { <-t.places }()
	default:
		return noTry("enough are under way")
	}
	ctx, cancel := context.WithTimeout(ctx, t.length)
	defer cancel()
	err := run(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.slow.Store(time.Now().Add(tryAgain).UnixMilli())
	}
	return err
}

// errUntried says that the activity was not begun.
var errUntried = errors.New("not begun")

func noTry(why string) error {
	return &failure.Error{Kind: failure.Unavailable, Message: "no quick try", Err: fmt.Errorf("%w: %s", errUntried, why)}
}
