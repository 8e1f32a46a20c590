package ratelimit

import "time"

// Limit is how often something may be done: Quota times at once, and as many times again as each Window passes.
type Limit struct {
	Name   string // of the policy, as clients are told it
	Key    string // whose it is, within its group; "": the whole group's
	Quota  int    // 0: no limit
	Window time.Duration
}

// What follows is all of the arithmetic (GCRA, the generic cell rate algorithm). A request takes one gap of time to be
// worked off, and the backlog of a limit, which is the time that all it admitted so far still takes, is at most its whole.
// Microseconds are what Redis's clock has.

func (l Limit) gap() time.Duration {
	return max(time.Microsecond, (l.Window / time.Duration(l.Quota)).Truncate(time.Microsecond))
}

func (l Limit) whole() time.Duration { return l.gap() * time.Duration(l.Quota) }

func (l Limit) fits(backlog time.Duration) bool { return backlog+l.gap() <= l.whole() }

// admit takes each limit's backlog, and makes all of them grow or none.
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

// State is how a limit stands after a request.
type State struct {
	Limit
	Remaining int           // requests that would be admitted at once
	Full      time.Duration // until all of the quota is there again
}

// Verdict is the answer to a request.
type Verdict struct {
	Admitted   bool
	RetryAfter time.Duration // until a refused request would be admitted, if no other came before
	States     []State       // of all its limits, or of those that refuse it
}

func verdict(admitted bool, limits []Limit, backlogs []time.Duration) Verdict {
	v := Verdict{Admitted: admitted}
	for i, l := range limits {
		if !admitted {
			if l.fits(backlogs[i]) {
				continue
			}
			v.RetryAfter = max(v.RetryAfter, backlogs[i]+l.gap()-l.whole())
		}
		v.States = append(v.States, State{Limit: l, Remaining: max(0, int((l.whole()-backlogs[i])/l.gap())), Full: backlogs[i]})
	}
	return v
}
