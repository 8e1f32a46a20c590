package simulator

import "sync"

// keptInLog is how many requests, and how many webhooks, are kept: enough for a flood, not for a day.
const keptInLog = 50_000

// ring keeps the last items added to it, so that a log of a long load run stays bounded.
type ring[T any] struct {
	mu    sync.Mutex
	items []T
	limit int
	added int
}

func newRing[T any](limit int) *ring[T] { return &ring[T]{limit: limit} }

// add keeps the item made for the next number; numbers start at 1 and are never reused.
func (r *ring[T]) add(item func(number int) T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added++
	if len(r.items) < r.limit {
		r.items = append(r.items, item(r.added))
		return
	}
	r.items[(r.added-1)%r.limit] = item(r.added)
}

// all returns the kept items, oldest first.
func (r *ring[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.added <= r.limit {
		return append([]T{}, r.items...)
	}
	oldest := r.added % r.limit
	return append(append(make([]T, 0, r.limit), r.items[oldest:]...), r.items[:oldest]...)
}
