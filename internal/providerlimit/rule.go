package providerlimit

import (
	"math"

	"github.com/onlywave/onlywave/internal/payment"
)

// The rule, which take.lua follows for all workers together and bucket for one that is alone:
//
// There is one bucket of calls. It fills at the rate and holds a second's worth, the burst. Each urgency has a share of the rate and
// of the burst, counted as credit: while it has credit, others leave so many calls in the bucket for it. What no urgency
// has a share of goes to the most urgent of the waiting callers.
//
// Within one urgency the client apps take turns: each call that has to wait gets the turn after the last of its client app, but none that is
// already over, and the lowest turn goes first. So the calls of one client app go in the order in which they came, a client app that asks
// now and then waits for no more than one call of each other, and one that is alone has the whole rate.
//
// A caller whose turn it is not yet gets the time to ask again, and keeps its place until a little after. Others wait for one that
// is late for no longer than the bucket takes to be full. It has the same turn when it comes within a minute. And when a call's worth has
// run over, because those whose turn it would be got a later time than was needed, any caller that is there may call.

// share is which part of the rate and of the burst an urgency has for itself. They add up to less than 1, so that something is
// left for the most urgent. A charge brings at least one look sooner or later, so both have much.
func share(u payment.Urgency) float64 {
	switch u {
	case payment.ForCharge:
		return 0.4
	case payment.ForOperator, payment.ForBuyer:
		return 0.1
	case payment.ForNews:
		return 0.25
	case payment.ForSweep:
		return 0.05
	}
	return 0
}

// hold is for how long others wait for a caller that does not ask at its time, and lateFor for how long its turn is remembered after
// that, in microseconds.
const (
	hold    = 1_000_000
	lateFor = 60_000_000
)

// level is how full the bucket is, how much of a call has run over since the last, and the credit of each urgency.
type level struct {
	at     int64 // Unix microseconds
	tokens float64
	idle   float64
	credit []float64 // by urgency, the most urgent first
}

// fill lets time pass.
func (l *level) fill(now int64, rate float64) {
	burst := math.Max(1, rate)
	if l.credit == nil {
		l.at, l.tokens = now, burst
		for range payment.Urgencies() {
			l.credit = append(l.credit, burst)
		}
	}
	passed := math.Max(0, float64(now-l.at)) / 1e6
	l.at = now
	l.tokens += float64(passed * rate)
	if l.tokens > burst {
		l.idle = math.Min(1, l.idle+l.tokens-burst)
		l.tokens = burst
	}
	for i, u := range payment.Urgencies() {
		l.credit[i] = math.Min(math.Max(2, share(u)*burst), l.credit[i]+float64(passed*rate*share(u)))
	}
}

// small absorbs what rounding does to a sum of fractions.
const small = 1e-6

// admits says whether a call of an urgency may go out that so many of the same urgency wait before, and if not, how long it
// will be, in microseconds. waiting is how many there are of each urgency.
func (l *level) admits(u payment.Urgency, ahead int, waiting []int, rate float64) (bool, int64) {
	burst := math.Max(1, rate)
	claim := func(h int) float64 {
		saved := math.Floor(share(payment.Urgency(h+1)) * burst)
		return math.Min(math.Floor(l.credit[h]), math.Max(float64(waiting[h]), saved))
	}
	own, turn := int(u)-1, float64(ahead+1)
	covered := turn <= l.credit[own]
	others := 0.0
	for h := range waiting {
		switch {
		case h < own && covered:
			others += claim(h)
		case h < own:
			others += math.Max(claim(h), float64(waiting[h]))
		case h > own && !covered:
			others += claim(h)
		}
	}
	if l.tokens+small >= others+turn || l.idle >= 1 && l.tokens+small >= others+1 {
		return true, 0
	}
	seconds := (others + turn - l.tokens) / rate
	if !covered {
		seconds = math.Min(seconds, (turn-l.credit[own])/(share(u)*rate))
	}
	return false, int64(math.Ceil(math.Max(seconds, 0.25/rate) * 1e6))
}

// take uses up one call.
func (l *level) take(u payment.Urgency) {
	l.tokens, l.idle = l.tokens-1, 0
	l.credit[u-1] = math.Max(0, l.credit[u-1]-1)
}
