package rabbitmq

import (
	"container/list"
	"sync"
	"time"
)

// debts are the confirms that a destination owes. They know for how long nothing has been confirmed, also after callers
// have given up and the connection was replaced.
type debts struct {
	mu     sync.Mutex
	open   list.List // of time.Time, oldest first
	last   time.Time // when the newest was published, open or not
	silent time.Time // when the oldest was published for which a connection was replaced; zero once something is confirmed
}

// forgetAfter is how long a destination counts as silent to which nothing is published any more.
const forgetAfter = 5 * time.Minute

type debt = list.Element

func (d *debts) add(now time.Time) *debt {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = now
	return d.open.PushBack(now)
}

func (d *debts) remove(one *debt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open.Remove(one)
}

// pay notes that the destination has confirmed something.
func (d *debts) pay() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = time.Time{}
}

// overdue says whether the oldest is at least that old, and remembers it if so.
func (d *debts) overdue(now time.Time, limit time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := d.oldest()
	if since.IsZero() || now.Sub(since) < limit {
		return false
	}
	if d.silent.IsZero() {
		d.silent = since
	}
	return true
}

// age is how long the destination has been silent; 0 when it owes nothing.
func (d *debts) age(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := d.silent
	if since.IsZero() || d.open.Len() == 0 && now.Sub(d.last) > forgetAfter {
		since = d.oldest()
	}
	if since.IsZero() {
		return 0
	}
	return now.Sub(since)
}

func (d *debts) oldest() time.Time {
	if first := d.open.Front(); first != nil {
		return first.Value.(time.Time)
	}
	return time.Time{}
}
