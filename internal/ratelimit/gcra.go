package ratelimit

import "time"

// Limit is how often something may be done: Quota times at once, and as many times again as each Window passes.
type Limit struct {
	Name   string // of the policy, as clients read it
	Key    string // who has it within the group, such as an API key; "": the whole group
	Quota  int    // 0: no limit
	Window time.Duration
}

// The arithmetic is GCRA, the generic cell rate algorithm. Each admitted request adds one gap of time to the backlog of a limit,
// and the backlog shrinks as time passes. It is at most gap × Quota, which is called the whole. Redis's clock counts
// microseconds, and so does the arithmetic.

func (l Limit) gap() time.Duration {
	return max(time.Microsecond, (l.Window / time.Duration(l.Quota)).Truncate(time.Microsecond))
}

func (l Limit) whole() time.Duration { return l.gap() * time.Duration(l.Quota) }

func (l Limit) fits(backlog time.Duration) bool { return backlog+l.gap() <= l.whole() }

// admit adds a request to the backlogs of all limits, or to none.
func admit(limits []Limit, backlogs []time.Duration) bool {
	for i, l := range limits {
		if !l.fits(backlogs[i]) {
			return false
		}
	}
	for i, l := range limits {
		backlogs[i] += l.gap()
	}
	return true
}

// State is a limit after a request.
type State struct {
	Limit
	Remaining int           // requests that would be admitted now
	Full      time.Duration // until the whole quota is available again
}

// Decision says whether a request is admitted.
type Decision struct {
	Admitted   bool
	RetryAfter time.Duration // until a refused request would be admitted, if no other request comes before
	States     []State       // of all limits, or of those that refuse the request
}

func decide(admitted bool, limits []Limit, backlogs []time.Duration) Decision {
	d := Decision{Admitted: admitted}
	for i, l := range limits {
		if !admitted {
			if l.fits(backlogs[i]) {
				continue
			}
			d.RetryAfter = max(d.RetryAfter, backlogs[i]+l.gap()-l.whole())
		}
		d.States = append(d.States, State{Limit: l, Remaining: max(0, int((l.whole()-backlogs[i])/l.gap())), Full: backlogs[i]})
	}
	return d
}
