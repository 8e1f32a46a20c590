package replay

import (
	"sync"
	"time"
)

const (
	generation     = 50_000          // marks, some 4 MB
	generationTime = 2 * time.Minute // a generation is not filled for longer
)

// lately is what this process has stored in the last minutes: two generations of marks, the older of which goes when the younger
// is full or has had its time.
type lately struct {
	mu         sync.Mutex
	young, old map[[32]byte]struct{}
	youngSince time.Time
	since      time.Time // everything that was stored here since then is in one of the two
}

func newLately(now time.Time) lately {
	return lately{young: map[[32]byte]struct{}{}, youngSince: now, since: now}
}

func (l *lately) add(m Mark, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.young) >= generation || now.Sub(l.youngSince) >= generationTime {
		l.old, l.since = l.young, l.youngSince
		l.young, l.youngSince = map[[32]byte]struct{}{}, now
	}
	l.young[m.Sum] = struct{}{}
}

// has says whether the mark was stored here lately. It is sure when the notification was signed so late that, if it was stored
// here at all, it is.
func (l *lately) has(m Mark) (seen, sure bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, young := l.young[m.Sum]
	_, old := l.old[m.Sum]
	return young || old, m.SignedAt.After(l.since)
}
