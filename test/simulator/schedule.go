package simulator

import (
	"container/heap"
	"sync"
	"time"
)

// schedule runs functions when they are due, one after another, on its own goroutine.
type schedule struct {
	mu      sync.Mutex
	tasks   tasks
	added   int
	changed chan struct{}
	done    chan struct{}
	ended   chan struct{}
}

func newSchedule() *schedule {
	s := &schedule{changed: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

// at calls run when it is due; functions that are due at the same time run in the order in which they were added.
func (s *schedule) at(due time.Time, run func()) {
	s.mu.Lock()
	s.added++
	heap.Push(&s.tasks, task{due: due, order: s.added, run: run})
	first := s.tasks[0].order == s.added
	s.mu.Unlock()
	if first {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

// close drops the functions that are not due and waits for the one that is running.
func (s *schedule) close() {
	close(s.done)
	<-s.ended
}

func (s *schedule) run() {
	defer close(s.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-s.changed:
		case <-timer.C:
		}
		timer.Reset(s.runDue())
	}
}

// runDue runs all due functions and returns the time until the next one is due.
func (s *schedule) runDue() time.Duration {
	for {
		s.mu.Lock()
		if len(s.tasks) == 0 {
			s.mu.Unlock()
			return time.Hour
		}
		wait := time.Until(s.tasks[0].due)
		if wait > 0 {
			s.mu.Unlock()
			return wait
		}
		next := heap.Pop(&s.tasks).(task)
		s.mu.Unlock()

		select {
		case <-s.done:
			return 0
		default:
			next.run()
		}
	}
}

type task struct {
	due   time.Time
	order int
	run   func()
}

// tasks is a heap.Interface: the earliest first.
type tasks []task

func (t tasks) Len() int      { return len(t) }
func (t tasks) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *tasks) Push(x any)   { *t = append(*t, x.(task)) }

func (t tasks) Less(i, j int) bool {
	if t[i].due.Equal(t[j].due) {
		return t[i].order < t[j].order
	}
	return t[i].due.Before(t[j].due)
}

func (t *tasks) Pop() any {
	last := (*t)[len(*t)-1]
	(*t)[len(*t)-1] = task{}
	*t = (*t)[:len(*t)-1]
	return last
}
