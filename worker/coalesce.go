package worker

import (
	"context"
	"sync"
)

// coalescer keeps a flood about one subject to two places: one is handled, and one waits to be handled next. The zero value is ready.
type coalescer struct {
	mu       sync.Mutex
	subjects map[string]*turn
}

// turn is a subject in hand.
type turn struct{ next chan struct{} } // closed to let the one that waits go on; nil when none waits

// one calls handle, after the call in hand about the same subject if there is one. joined says that handle was not called,
// because another call waits already: it begins after this one came, so that it brings what this one would have brought.
// The error is handle's, or ctx ended while it waited.
func (c *coalescer) one(ctx context.Context, subject string, handle func() error) (joined bool, err error) {
	c.mu.Lock()
	t := c.subjects[subject]
	switch {
	case t == nil:
		if c.subjects == nil {
			c.subjects = map[string]*turn{}
		}
		c.subjects[subject] = &turn{}
		c.mu.Unlock()
	case t.next != nil:
		c.mu.Unlock()
		return true, nil
	default:
		next := make(chan struct{})
		t.next = next
		c.mu.Unlock()
		if !c.wait(ctx, t, next) {
			return false, ctx.Err()
		}
	}
	defer c.done(subject)
	return false, handle()
}

// wait returns whether it is this one's turn now.
func (c *coalescer) wait(ctx context.Context, t *turn, next chan struct{}) bool {
	select {
	case <-next:
		return true
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.next == next {
		t.next = nil
		return false
	}
	return true // it has been given the turn meanwhile, and must pass it on
}

func (c *coalescer) done(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.subjects[subject]
	if t.next == nil {
		delete(c.subjects, subject)
		return
	}
	close(t.next)
	t.next = nil
}
