package rabbitmq

import (
	"container/list"
	"sync"
	"time"
)

// unconfirmed are the publishes that a destination has not confirmed yet. It measures for how long nothing has been confirmed, also
// after callers have given up and the connection was replaced.
type unconfirmed struct {
	mu     sync.Mutex
	open   list.List // of time.Time, oldest first
	last   time.Time // when the newest was published, open or not
	silent time.Time // when the oldest was published for which a connection was replaced; zero once something is confirmed
}

// forgetAfter is how long a destination counts as silent after the last publish to it.
const forgetAfter = 5 * time.Minute

type unconfirmedPublish = list.Element

func (d *unconfirmed) add(now time.Time) *unconfirmedPublish {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = now
	return d.open.PushBack(now)
}

func (d *unconfirmed) remove(one *unconfirmedPublish) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open.Remove(one)
}

// confirmed notes that the destination has confirmed something.
func (d *unconfirmed) confirmed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = time.Time{}
}

// overdue says whether the oldest unconfirmed publish is at least as old as the limit. If so, it stores its time.
func (d *unconfirmed) overdue(now time.Time, limit time.Duration) bool {
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

// age is how long the destination has been silent; 0 when every publish is confirmed.
func (d *unconfirmed) age(now time.Time) time.Duration {
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

func (d *unconfirmed) oldest() time.Time {
	if first := d.open.Front(); first != nil {
		return first.Value.(time.Time)
	}
	return time.Time{}
}
