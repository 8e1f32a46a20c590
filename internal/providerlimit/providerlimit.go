// Package providerlimit is the provider rate limit: it keeps all workers together below the rate of calls that the provider accepts,
// and makes all of them pause when the provider asks for it. The most urgent call goes first, each urgency has a share that the
// others cannot take, and within one urgency the client apps take turns.
//
// Its one rule: it only ever delays. No call fails because of Redis, which holds the limit; while Redis is unavailable each worker
// keeps to its part of the rate, and to the pauses that it knows of.
package providerlimit

import (
	"context"
	_ "embed"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
)

// Call is a call that wants to be made.
type Call struct {
	Urgency payment.Urgency
	Client  string // the client app it is for; "": OnlyWave's own
	Name    string // unique within its urgency, and the same when it comes again: its place is kept under it
}

const (
	// longestWait is how long a call waits inside the process. Longer waits are better spent outside, where they keep no place.
	longestWait = time.Second
	// pauseDefault is for a wish for fewer calls that does not say for how long; pauseMax bounds one that exaggerates, since
	// no payment can be charged meanwhile.
	pauseDefault = time.Second
	pauseMax     = 5 * time.Minute
	// remembered is how long a worker counts for one after its last call, and presentEvery how often it says that it is there.
	remembered   = time.Minute
	presentEvery = time.Second
)

//go:embed take.lua
var takeSource string

//go:embed pause.lua
var pauseSource string

var (
	takeScript  = goredis.NewScript(takeSource)
	pauseScript = goredis.NewScript(pauseSource)
)

// Limit is one provider's rate limit, as one worker keeps it.
type Limit struct {
	store   *redis.Store
	name    string
	worker  string
	rate    int
	local   *bucket
	paused  atomic.Int64 // Unix milliseconds until which, as far as this worker knows
	present atomic.Int64 // Unix milliseconds at which this worker was last counted
	waits   *prometheus.HistogramVec
	log     *slog.Logger
}

// New makes one worker's part of the limit of calls per second that it shares with all that use the same name; 0: no limit.
// The burst is one second's worth.
func New(store *redis.Store, name, worker string, rate int, log *slog.Logger) *Limit {
	return &Limit{store: store, name: name, worker: worker, rate: rate, local: newBucket(rate), waits: newWaits(), log: log}
}

// Rate is how many calls per second all processes may make together; 0: no limit.
func (l *Limit) Rate() int { return l.rate }

// Take returns when the call may be made: at once, or after waiting for at most about a second. If it would have to wait for
// longer, or than ctx allows, the error is Limited and says when to come again; the call's place is kept.
func (l *Limit) Take(ctx context.Context, c Call) (err error) {
	began := time.Now()
	defer func() { l.waited(c.Urgency, began, err) }()
	give := began.Add(longestWait)
	if deadline, ok := ctx.Deadline(); ok {
		if half := began.Add(time.Until(deadline) / 2); half.Before(give) { // the other half is for the call
			give = half
		}
	}
	for {
		admitted, wait := l.ask(ctx, c)
		if admitted {
			return nil
		}
		if wait > time.Until(give) {
			return &failure.Error{Kind: failure.Limited, Message: "the provider rate limit is used up", RetryAfter: wait}
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// Pause keeps every worker from calling for as long as the provider asked; 0: it did not say.
func (l *Limit) Pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		d = pauseDefault
	}
	d = max(min(d, pauseMax), time.Millisecond)
	l.log.Warn("provider asks for a pause", "provider", l.name, "for", d)
	if answer, ok := l.store.Ask(ctx, pauseScript, l.keys()[3:4], d.Milliseconds()); ok && len(answer) == 1 {
		d = max(d, time.Duration(number(answer[0]))*time.Millisecond)
	}
	l.pauseUntil(time.Now().Add(d))
}

func (l *Limit) pauseUntil(t time.Time) {
	for until := t.UnixMilli(); ; {
		known := l.paused.Load()
		if known >= until || l.paused.CompareAndSwap(known, until) {
			return
		}
	}
}

// ask says whether the call is admitted, or how long to wait before asking anew.
func (l *Limit) ask(ctx context.Context, c Call) (admitted bool, wait time.Duration) {
	if pause := time.Until(time.UnixMilli(l.paused.Load())); pause > 0 {
		return false, pause + spread(pause)
	}
	if l.rate == 0 {
		return l.unlimited(ctx)
	}
	args := []any{l.rate, int(c.Urgency), c.Name, c.Client, hold, lateFor, l.introduction(), int(remembered.Seconds())}
	for _, u := range payment.Urgencies() {
		args = append(args, share(u))
	}
	answer, ok := l.store.Ask(ctx, takeScript, l.keys(), args...)
	if !ok || len(answer) != 4 {
		admitted, micros := l.local.ask(time.Now().UnixMicro(), c)
		return admitted, time.Duration(micros) * time.Microsecond
	}
	if workers := int(number(answer[3])); workers > 0 {
		l.local.among(workers)
	}
	wait = time.Duration(number(answer[1])) * time.Microsecond
	if pause := time.Duration(number(answer[2])) * time.Microsecond; pause > 0 {
		l.pauseUntil(time.Now().Add(pause))
		return false, pause + wait
	}
	return answer[0] == "1", wait
}

// unlimited is ask without a limit: only a pause keeps a call back.
func (l *Limit) unlimited(ctx context.Context) (admitted bool, wait time.Duration) {
	pause, _ := l.store.Left(ctx, l.keys()[3])
	if pause > 0 {
		l.pauseUntil(time.Now().Add(pause))
	}
	return pause <= 0, pause
}

// introduction is this worker's name if it is time to be counted, and else nothing, which spares Redis the counting.
func (l *Limit) introduction() string {
	now := time.Now()
	last := l.present.Load()
	if now.Sub(time.UnixMilli(last)) < presentEvery || !l.present.CompareAndSwap(last, now.UnixMilli()) {
		return ""
	}
	return l.worker
}

// keys are in one slot of a cluster: what is in braces decides.
func (l *Limit) keys() []string {
	key := "onlywave:budget:{" + l.name + "}"
	return []string{key + ":level", key + ":waiting", key + ":until", key + ":pause", key + ":workers", key + ":turns"}
}

// spread keeps the callers that wait for the same moment from coming all at once.
func spread(wait time.Duration) time.Duration {
	return rand.N(min(wait/4, time.Second) + time.Millisecond)
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
		return &failure.Error{Kind: failure.Unavailable, Message: "no time was left for the call", Err: ctx.Err()}
	}
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // our own script wrote it
	return n
}
