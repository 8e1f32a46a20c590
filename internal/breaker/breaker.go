// Package breaker stops calls to a party that is failing, for the whole fleet at once: its state is in Redis, where all
// workers ask before a call and report after it; successes may be reported a second later, failures never. Its one rule: it never changes how a call ended. It may refuse a call
// before it is made, and while Redis is unavailable each process decides for itself, as far as no operator has decided.
package breaker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
)

// trusted is how long a refusal is taken for the next one without asking anew.
const trusted = 500 * time.Millisecond

// State of a breaker.
type State string

// The states.
const (
	Closed   State = "closed"    // calls go out
	Open     State = "open"      // none does
	HalfOpen State = "half-open" // a fixed number does, to see
)

// Config is when a breaker opens and how it closes again. A zero field takes its default.
type Config struct {
	Window  time.Duration // over which calls are counted, whole seconds; 10 s
	Minimum int           // fewer calls in the window say nothing; 10
	Rate    float64       // share of failures that opens it; 0.5
	Open    time.Duration // how long it stays open the first time, doubling while it does not get better; 5 s
	MaxOpen time.Duration // at most so long, which is what a buyer may wait after an outage; 30 s
	Probes  int           // calls let through in one half-open window by the whole fleet; all must succeed; 3
	Lease   time.Duration // after which a probe without a report has died with its worker; 30 s
}

func (c Config) withDefaults() Config {
	c.Window = max(cmp.Or(c.Window, 10*time.Second), time.Second)
	c.Minimum = cmp.Or(c.Minimum, 10)
	c.Rate = cmp.Or(c.Rate, 0.5)
	c.Open = cmp.Or(c.Open, 5*time.Second)
	c.MaxOpen = max(cmp.Or(c.MaxOpen, 30*time.Second), c.Open)
	c.Probes = cmp.Or(c.Probes, 3)
	c.Lease = cmp.Or(c.Lease, 30*time.Second)
	return c
}

// Change is a change from one state to another, announced by the process whose call caused it, or by the one through which an
// operator forced it.
type Change struct {
	Breaker string    `json:"breaker"`
	From    State     `json:"from"`
	To      State     `json:"to"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor,omitempty"` // of a change by force
	Reason  string    `json:"reason,omitempty"`
}

// Fleet makes breakers that share a Redis.
type Fleet struct {
	store  *redis.Store
	worker string
	log    *slog.Logger

	changes *prometheus.CounterVec
	// Changed is called once for each change; nil: it is not called. It must not block.
	Changed func(Change)
	// Audit records what an operator does, before it is done: without it no breaker can be forced.
	Audit func(context.Context, audit.Entry) error
}

// NewFleet makes breakers for one process. worker is the process's own name, and holds no colon.
func NewFleet(store *redis.Store, worker string, log *slog.Logger) *Fleet {
	return &Fleet{store: store, worker: worker, log: log, changes: newChanges()}
}

// Breaker guards one kind of call, so that an endpoint that fails does not stop the others.
type Breaker struct {
	name   string
	config Config
	fleet  *Fleet
	local  circuitbreaker.CircuitBreaker[any]

	generation atomic.Pointer[string] // of the fleet's breaker, when it was last seen closed
	last       atomic.Pointer[word]   // the fleet's last word
	batch      batch                  // successes that are not reported yet
}

// word is what the fleet's breaker said, and until when it refuses.
type word struct {
	state     State
	forced    bool // an operator's setting, which holds until the next
	at, until time.Time
}

// Breaker makes the breaker of one kind of call. The same name in another process is the same breaker.
func (f *Fleet) Breaker(name string, c Config) *Breaker {
	c = c.withDefaults()
	local := circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(c.Rate, uint(c.Minimum), c.Window).
		WithDelay(c.Open).
		WithSuccessThreshold(uint(c.Probes)).
		Build()
	return &Breaker{name: name, config: c, fleet: f, local: local}
}

// Shut is the error that Do would refuse with, as far as that is known without asking Redis: a caller that has to wait for its
// turn need not wait for a refusal. nil says that Do may admit the call.
func (b *Breaker) Shut() error {
	last := b.last.Load()
	if last == nil || time.Since(last.at) > trusted {
		return nil
	}
	if wait := time.Until(last.until); wait > 0 {
		return b.refuse(wait)
	}
	return nil
}

// Steady says that no trouble is known: for calls that are only worth making while all is well, and must not be probes.
func (b *Breaker) Steady() bool {
	last := b.last.Load()
	return (last == nil || last.state == Closed) && b.local.IsClosed()
}

// Do makes the call unless the breaker is open; then the error is Unavailable, says when to come again, and nothing was
// sent. Otherwise the call's own error is returned as it is. Only Unavailable is a failure of the other party: any other
// refusal is an answer, Limited is a wish for a pause, and a caller that has given up, or whose time was shorter than the
// call's own, says nothing about it.
func (b *Breaker) Do(ctx context.Context, call func(context.Context) error) error {
	return b.do(ctx, call, outcomeOf)
}

// Try is Do for a call whose failure is no evidence against the other party, such as one about something that another party has
// named. Its success counts like any other.
func (b *Breaker) Try(ctx context.Context, call func(context.Context) error) error {
	return b.do(ctx, call, func(ctx context.Context, err error) outcome {
		if o := outcomeOf(ctx, err); o != failed {
			return o
		}
		return released
	})
}

func (b *Breaker) do(ctx context.Context, call func(context.Context) error, judge func(context.Context, error) outcome) error {
	p, err := b.acquire(ctx)
	if err != nil {
		return err
	}
	reported := false
	defer func() {
		if !reported { // the call panicked
			b.report(ctx, p, released)
		}
	}()
	err = call(ctx)
	reported = true
	b.report(ctx, p, judge(ctx, err))
	return err
}

type outcome string

const (
	success  outcome = "success"
	failed   outcome = "failure"
	released outcome = "released"
)

func outcomeOf(ctx context.Context, err error) outcome {
	switch {
	case err == nil:
		return success
	case ctx.Err() != nil:
		return released
	}
	switch failure.KindOf(err) {
	case failure.Unavailable:
		return failed
	case failure.Limited:
		return released
	}
	return success
}

// acquire asks the fleet, and while the fleet's breaker is closed, or out of reach, what this process has seen itself: the
// others may get through where our own link is bad.
func (b *Breaker) acquire(ctx context.Context) (permit, error) {
	p, reached := b.ask(ctx)
	if reached {
		b.changed(p.before, p.state)
		b.last.Store(&word{state: p.state, forced: p.forced, at: time.Now(), until: time.Now().Add(p.wait)})
		if !p.admitted {
			return p, b.refuse(p.wait)
		}
		if p.state == Closed {
			b.forgetOutage(p.generation)
		}
	} else if last := b.last.Load(); last != nil {
		if last.forced && last.state == Open {
			return p, b.refuse(last.until.Sub(last.at))
		}
		if wait := time.Until(last.until); wait > 0 {
			return p, b.refuse(wait) // that Redis does not answer now does not mend the other party
		}
		p.forced = last.forced
	}
	p.reached = reached
	p.local = !p.forced && (!reached || p.state == Closed)
	if p.local && !b.local.TryAcquirePermit() {
		return p, b.refuse(b.local.RemainingDelay())
	}
	if p.local && b.local.IsHalfOpen() {
		p.weight = b.config.Minimum // for all the calls that our own breaker holds back
	}
	return p, nil
}

// forgetOutage closes our own breaker once the fleet has found that the other party is available again.
func (b *Breaker) forgetOutage(generation string) {
	if last := b.generation.Swap(&generation); last != nil && *last != generation {
		b.local.Close()
	}
}

// refuse says when to come again; a random part keeps the waiting callers from coming all at once.
func (b *Breaker) refuse(wait time.Duration) error {
	wait = max(wait, 100*time.Millisecond)
	return &failure.Error{
		Kind: failure.Unavailable, Message: "the circuit breaker is open", RetryAfter: wait + rand.N(wait/4+time.Millisecond),
		Err: fmt.Errorf("breaker %s", b.name),
	}
}

func (b *Breaker) report(ctx context.Context, p permit, o outcome) {
	switch {
	case !p.local:
	case o == success:
		b.local.RecordSuccess()
	case o == failed, b.local.IsHalfOpen(): // a probe that learned nothing must give its place back
		b.local.RecordFailure()
	}
	if !p.reached {
		return
	}
	earlier, later := b.add(p, o)
	if later {
		return
	}
	if before, after, ok := b.reportToFleet(ctx, p, o, earlier); ok {
		b.changed(before, after)
	}
}

func (b *Breaker) changed(from, to State) {
	if from != to {
		b.fleet.announce(Change{Breaker: b.name, From: from, To: to})
	}
}

func (f *Fleet) announce(c Change) {
	c.At = time.Now().UTC()
	f.changes.WithLabelValues(c.Breaker, string(c.To)).Inc()
	args := []any{"breaker", c.Breaker, "from", c.From, "to", c.To}
	if c.Actor != "" {
		args = append(args, "actor", c.Actor, "reason", c.Reason)
	}
	f.log.Warn("circuit breaker", args...)
	if f.Changed != nil {
		f.Changed(c)
	}
}
