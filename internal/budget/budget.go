// Package budget keeps all workers together below the rate of calls that the provider bears, and makes all of them pause when
// the provider asks for it. Who is waited for goes first: each priority leaves a part of the burst to those above it.
//
// Its one rule: it only ever delays. No call fails for Redis, which holds the budget; while Redis is away each worker keeps
// to its share, and to the pauses it knows of.
package budget

import (
	"context"
	_ "embed"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redisstore"
)

// Priority is who waits for a call.
type Priority float64

// The priorities, each with the part of the burst that it leaves to those above.
const (
	Buyer  Priority = 0   // someone at a check-out waits for the answer
	Refund Priority = 0.2 // someone waits, and can: a fifth is left, enough for the buyers of the next moment
	Sweep  Priority = 0.5 // nobody waits: whatever comes to mind at once must still find half of the burst
)

const (
	// patience is how long a call waits inside the process. Longer waits are better spent outside, where they keep no place.
	patience = time.Second
	// pauseDefault is for a wish for fewer calls that does not say for how long; pauseMax bounds one that exaggerates, since
	// nobody can be charged meanwhile.
	pauseDefault = time.Second
	pauseMax     = 5 * time.Minute
	// remembered is how long a worker counts for one after its last call.
	remembered = time.Minute
)

//go:embed take.lua
var takeSource string

//go:embed pause.lua
var pauseSource string

var (
	takeScript  = redis.NewScript(takeSource)
	pauseScript = redis.NewScript(pauseSource)
)

// Budget is one provider's, as one worker holds it.
type Budget struct {
	store  *redisstore.Store
	name   string
	worker string
	rate   int
	local  *share
	paused atomic.Int64 // Unix milliseconds until which, as far as this worker knows
	waits  *prometheus.HistogramVec
	log    *slog.Logger
}

// New makes one worker's hold on the budget of calls per second that it shares with all that use the same name; 0: as many
// as they like. The burst is one second's worth.
func New(store *redisstore.Store, name, worker string, rate int, log *slog.Logger) *Budget {
	return &Budget{store: store, name: name, worker: worker, rate: rate, local: newShare(rate), waits: newWaits(), log: log}
}

// Rate is how many calls per second all workers may make together; 0: as many as they like.
func (b *Budget) Rate() int { return b.rate }

// Take returns when the call may be made: at once, or after waiting for at most about a second. If it would have to wait for
// longer, or than ctx allows, the error is Limited and says when to come again.
func (b *Budget) Take(ctx context.Context, p Priority) (err error) {
	began := time.Now()
	defer func() { b.waited(began, err) }()
	give := time.Now().Add(patience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(give) {
		give = deadline
	}
	for {
		left := time.Until(give)
		admitted, wait := b.ask(ctx, p, max(left, 0))
		if !admitted {
			wait += spread(wait)
		}
		if !admitted && wait > left {
			return limited(wait)
		}
		if err := sleep(ctx, wait); err != nil || admitted {
			return err
		}
	}
}

// Pause keeps every worker from calling for as long as the provider asked; 0: it did not say.
func (b *Budget) Pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		d = pauseDefault
	}
	d = max(min(d, pauseMax), time.Millisecond)
	b.log.Warn("provider asks for a pause", "provider", b.name, "for", d)
	if answer, ok := b.store.Ask(ctx, pauseScript, b.keys()[1:2], d.Milliseconds()); ok && len(answer) == 1 {
		d = max(d, time.Duration(number(answer[0]))*time.Millisecond)
	}
	b.pauseUntil(time.Now().Add(d))
}

func (b *Budget) pauseUntil(t time.Time) {
	for until := t.UnixMilli(); ; {
		known := b.paused.Load()
		if known >= until || b.paused.CompareAndSwap(known, until) {
			return
		}
	}
}

// ask says whether the call is admitted, and how long to wait: before it, or before asking anew. Only a buyer's call is
// admitted ahead of its time, so that buyers come in order; a place that others took ahead would be the buyers' loss.
func (b *Budget) ask(ctx context.Context, p Priority, left time.Duration) (admitted bool, wait time.Duration) {
	if pause := time.Until(time.UnixMilli(b.paused.Load())); pause > 0 {
		return false, pause
	}
	ahead := time.Duration(0)
	if p == Buyer {
		ahead = left
	}
	answer, ok := b.store.Ask(ctx, takeScript, b.keys(), b.gap(), b.rate, p.of(b.rate), ahead.Microseconds(), b.worker, int(remembered.Seconds()))
	if !ok || len(answer) != 4 {
		return b.local.take(p, ahead)
	}
	b.local.among(int(number(answer[2])))
	admitted, wait = answer[0] == "1", time.Duration(number(answer[1]))*time.Microsecond
	if answer[3] == "1" {
		b.pauseUntil(time.Now().Add(wait))
		return false, wait
	}
	return admitted, wait
}

// gap is the time between two calls in microseconds; 0: none.
func (b *Budget) gap() float64 {
	if b.rate == 0 {
		return 0
	}
	return 1e6 / float64(b.rate)
}

// of is how much of a burst is left to the priorities above; one call is always for everybody.
func (p Priority) of(burst int) int { return max(0, min(int(float64(p)*float64(burst)), burst-1)) }

// keys are in one slot of a cluster: what is in braces decides.
func (b *Budget) keys() []string {
	key := "onlywave:budget:{" + b.name + "}"
	return []string{key, key + ":pause", key + ":workers"}
}

// spread keeps those who wait for the same moment from coming all at once.
func spread(wait time.Duration) time.Duration {
	return rand.N(min(wait/4, time.Second) + time.Millisecond)
}

// limited says when to come again, which is never sooner than a call may wait here.
func limited(wait time.Duration) error {
	wait = max(wait, patience+spread(patience))
	return &payment.Error{Kind: payment.Limited, Message: "the provider's budget of calls is used up", RetryAfter: wait}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &payment.Error{Kind: payment.Unavailable, Message: "no time was left for the call", Err: ctx.Err()}
	}
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // our own script wrote it
	return n
}
