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
}

// place is a caller's among the waiting callers.
type place struct {
	urgency payment.Urgency
	since   int64 // Unix microseconds
	name    string
	kept    int64 // until when, Unix microseconds
}

func newBucket(rate int) *bucket { return &bucket{whole: rate, workers: 1} }

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
	b.waiting = slices.DeleteFunc(b.waiting, func(p place) bool { return p.kept <= now })
	mine := place{urgency: c.Urgency, since: min(c.Since.UnixMicro(), now), name: c.Name}
	if i := slices.IndexFunc(b.waiting, mine.is); i >= 0 {
		mine = b.waiting[i]
		b.waiting = slices.Delete(b.waiting, i, i+1)
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
	mine.kept = now + wait + hold
	at, _ := slices.BinarySearchFunc(b.waiting, mine, place.compare)
	b.waiting = slices.Insert(b.waiting, at, mine)
	return false, wait
}

func (p place) is(q place) bool { return p.urgency == q.urgency && p.name == q.name }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.urgency, q.urgency), cmp.Compare(p.since, q.since), cmp.Compare(p.name, q.name))
}
