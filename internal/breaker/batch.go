package breaker

import (
	"context"
	"sync"
	"time"
)

// batchTime is how long a success waits at most to be reported.
const batchTime = time.Second

// batch holds successes back, to report several at once. It does so only while the fleet's breaker is closed and this process has seen
// no failure within the window. A failure is reported at once, with all successes before it, so that no trip comes later for it.
//
// There are fewer successes in a batch than calls that a trip needs, and the first one after a quiet time is reported at once. So the
// fleet knows which workers call, and how many calls succeed, as well as a trip has to know it.
type batch struct {
	mu         sync.Mutex
	generation string // of the fleet's breaker when the successes began
	successes  int
	first      time.Time // when the first of them ended
	reported   time.Time // when this process has last reported a success
	failed     time.Time // when this process has last seen a failure
}

// held is what a batch held.
type held struct {
	successes int
	age       time.Duration // of the first
}

// add decides how an outcome is reported: later, or now and with what was held back until now.
func (b *Breaker) add(p permit, o outcome) (earlier held, later bool) {
	a, now := &b.batch, time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if o == failed {
		a.failed = now
	}
	quiet := now.Sub(a.reported) >= batchTime
	if o == success && p.state == Closed && !p.forced && !quiet && now.Sub(a.failed) > b.config.Window {
		if a.generation != p.generation {
			a.generation, a.successes = p.generation, 0
		}
		if a.successes+1 < b.config.Minimum {
			a.successes++
			if a.successes == 1 {
				a.first = now
				time.AfterFunc(batchTime, b.flush)
			}
			return held{}, true
		}
	}
	if o == success {
		a.reported = now
	}
	return a.take(p.generation, now), false
}

// take empties the batch. What began before the breaker's last change says nothing about now.
func (a *batch) take(generation string, now time.Time) held {
	h := held{a.successes, now.Sub(a.first)}
	a.successes = 0
	if a.generation != generation {
		return held{}
	}
	return h
}

// flush reports a batch that has waited for its time; a younger one has a timer of its own.
func (b *Breaker) flush() {
	a, now := &b.batch, time.Now()
	a.mu.Lock()
	if a.successes == 0 || now.Sub(a.first) < batchTime {
		a.mu.Unlock()
		return
	}
	generation := a.generation
	earlier := a.take(generation, now)
	a.reported = now
	a.mu.Unlock()
	b.reportToFleet(context.Background(), permit{generation: generation}, released, earlier)
}
