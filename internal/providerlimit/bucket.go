package providerlimit

import (
	"cmp"
	"slices"
	"sync"

	"github.com/onlywave/onlywave/internal/payment"
)

// bucket decides for one worker while Redis is unavailable, by the same rule. The worker has an equal part of the rate, by the
// number of workers that were seen last: all together they stay below the whole, however many of them are still there.
type bucket struct {
	mu      sync.Mutex
	whole   int // rate of all workers
	workers int
	level   level
	waiting []place // the first is the next
	late    []place // are not waited for, but have their turn when they come again
	turns   map[payment.Urgency]turns
}

// place is a caller's among the waiting callers.
type place struct {
	urgency payment.Urgency
	turn    int64
	name    string
	kept    int64 // until when, Unix microseconds
}

func newBucket(rate int) *bucket {
	b := &bucket{whole: rate, workers: 1, turns: map[payment.Urgency]turns{}}
	for _, u := range payment.Urgencies() {
		b.turns[u] = turns{}
	}
	return b
}

// among says how many workers there are.
func (b *bucket) among(workers int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.workers = max(workers, 1)
}

// ask answers as take.lua does; now is in Unix microseconds, and so is wait in microseconds.
func (b *bucket) ask(now int64, c Call) (admitted bool, wait int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole == 0 {
		return true, 0
	}
	rate := float64(b.whole) / float64(b.workers)
	b.level.fill(now, rate)
	crowded := len(b.waiting)+len(b.late) > 0
	b.passOverLate(now)
	mine := place{urgency: c.Urgency, name: c.Name}
	placed := b.remove(&mine)
	if crowded && !placed {
		mine.turn = b.newTurn(c)
	}
	ahead, counts := 0, make([]int, len(b.level.credit))
	for _, p := range b.waiting {
		counts[p.urgency-1]++
		if p.urgency == mine.urgency && p.compare(mine) < 0 {
			ahead++
		}
	}
	if admitted, wait = b.level.admits(c.Urgency, ahead, counts, rate); admitted {
		b.level.take(c.Urgency)
		return true, 0
	}
	if !crowded {
		mine.turn = b.newTurn(c)
	}
	mine.kept = now + wait + hold
	at, _ := slices.BinarySearchFunc(b.waiting, mine, place.compare)
	b.waiting = slices.Insert(b.waiting, at, mine)
	return false, wait
}

// newTurn is the turn of a caller that has none.
func (b *bucket) newTurn(c Call) int64 {
	first, found := slices.BinarySearchFunc(b.waiting, c.Urgency, func(p place, u payment.Urgency) int { return cmp.Compare(p.urgency, u) })
	if !found {
		return b.turns[c.Urgency].next(c.Client, b.turns[c.Urgency].last())
	}
	return b.turns[c.Urgency].next(c.Client, b.waiting[first].turn)
}

// passOverLate puts aside the places of callers that are late, and forgets those that have not come since.
func (b *bucket) passOverLate(now int64) {
	b.late = slices.DeleteFunc(b.late, func(p place) bool { return p.kept <= now })
	b.waiting = slices.DeleteFunc(b.waiting, func(p place) bool {
		if p.kept > now {
			return false
		}
		p.kept = now + lateFor
		b.late = append(b.late, p)
		return true
	})
}

// remove takes a caller's place away, and sets its turn; false: it has none.
func (b *bucket) remove(mine *place) bool {
	for _, from := range []*[]place{&b.waiting, &b.late} {
		if i := slices.IndexFunc(*from, mine.is); i >= 0 {
			*mine = (*from)[i]
			*from = slices.Delete(*from, i, i+1)
			return true
		}
	}
	return false
}

func (p place) is(q place) bool { return p.urgency == q.urgency && p.name == q.name }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.urgency, q.urgency), cmp.Compare(p.turn, q.turn), cmp.Compare(p.name, q.name))
}

// turns are the next turns of the client apps that have calls of one urgency.
type turns map[string]int64

// next is the client app's next turn, or the first, if that is later. Client apps whose next turn is before the first are forgotten.
func (t turns) next(client string, first int64) int64 {
	for c, its := range t {
		if its < first {
			delete(t, c)
		}
	}
	mine := max(first, t[client])
	t[client] = mine + 1
	return mine
}

// last is the latest of them.
func (t turns) last() (last int64) {
	for _, its := range t {
		last = max(last, its)
	}
	return last
}
