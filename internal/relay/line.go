package relay

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/onlywave/onlywave/internal/cache"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/postgres"
)

const (
	tellTime = 3 * time.Second // for one event; much shorter than the lease
	mostJobs = 1024            // payments in hand; the outbox keeps the others

	backoffMin = time.Second // between two tries while the sink cannot be told
	backoffMax = time.Minute
)

// line tells one sink.
type line struct {
	sink     postgres.Sink
	tell     func(context.Context, payment.Event) (outcome string, err error) // an error: the sink was not told
	ready    func() bool                                                      // whether it is worth trying
	database *postgres.Store
	cache    *cache.Payments
	gap      time.Duration
	log      *slog.Logger
	metrics  *metrics

	mu      sync.Mutex
	jobs    map[string]*job // by payment
	working sync.WaitGroup  // goroutines that tell
	failure error           // of the last try; nil: the sink can be told
	backoff time.Duration   // since failures began
	retryAt time.Time       // while there is a failure, one payment is tried at a time, and none before
	closed  bool            // nothing new is taken
	wake    chan struct{}   // something was told and is not remembered yet
}

// job is a payment whose row of the outbox is this process's until the lease is over.
type job struct {
	id      string
	events  []item // to be told, in order
	told    int    // number of the newest event that was told
	kept    int    // and of the newest that is remembered as told
	refused []int  // numbers of those told that a subscriber's queue did not take, not remembered yet
	lease   time.Time
	busy    bool // a goroutine tells
}

// item is an event with the trace that it belongs to.
type item struct {
	ctx   context.Context
	event payment.Event
}

func newLine(sink postgres.Sink, tell func(context.Context, payment.Event) (string, error), ready func() bool, c Config, m *metrics) *line {
	return &line{
		sink: sink, tell: tell, ready: ready, database: c.Database, cache: c.Cache, gap: c.repeatAfter(), log: c.Log.With("sink", sink),
		metrics: m, jobs: map[string]*job{}, wake: make(chan struct{}, 1),
	}
}

// take begins to tell of an event when the row is owned, or adds it to what is in hand of the payment. Else the row's owner will
// find it.
func (l *line) take(i item, owned bool, lease time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	j := l.jobs[i.event.PaymentID]
	switch {
	case l.closed:
		return
	case j != nil && owned:
		j.lease = lease
	case owned && l.room() > 0:
		j = l.add(i.event.PaymentID, i.event.Seq-1, lease)
	case j == nil:
		return
	}
	j.events = append(j.events, i)
	l.start(j)
}

// takeOver begins to tell what was taken from the outbox. What an older release has told meanwhile is only to be remembered.
func (l *line) takeOver(u postgres.Undelivered, lease time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.jobs[u.PaymentID] != nil {
		return // it is due again when its lease is over
	}
	if len(u.Events) == 0 {
		l.add(u.PaymentID, 0, lease).told = u.Version
		l.remember()
		return
	}
	j := l.add(u.PaymentID, u.Events[0].Seq-1, lease)
	for _, e := range u.Events {
		j.events = append(j.events, item{context.Background(), e})
	}
	l.start(j)
}

// room is for how many payments more there is room in hand: for one at a time, and none before its time, while the sink cannot be
// told. The caller holds the lock.
func (l *line) room() int {
	if l.failure == nil {
		return max(mostJobs-len(l.jobs), 0)
	}
	if len(l.jobs) > 0 || time.Now().Before(l.retryAt) || !l.ready() {
		return 0
	}
	return 1
}

func (l *line) add(id string, told int, lease time.Time) *job {
	j := &job{id: id, told: told, kept: told, lease: lease}
	l.jobs[id] = j
	return j
}

// start lets a goroutine tell of the job, unless one does. The caller holds the lock.
func (l *line) start(j *job) {
	if !j.busy {
		j.busy = true
		l.working.Go(func() { l.work(j) })
	}
}

// work tells a job's events until there are none, or one cannot be told.
func (l *line) work(j *job) {
	for {
		i, ok := l.next(j)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(i.ctx, tellTime)
		outcome, err := l.tell(ctx, i.event)
		cancel()
		l.done(j, i.event, outcome, err)
	}
}

// next is what is to be told now. An event that does not follow the last one told is left to the database, which has those between,
// of another process; and all are left to others when the lease is about to be over.
func (l *line) next(j *job) (item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(j.events) > 0 && j.events[0].event.Seq <= j.told {
		j.events = j.events[1:]
	}
	if len(j.events) > 0 && j.events[0].event.Seq == j.told+1 && time.Until(j.lease) > tellTime {
		i := j.events[0]
		j.events = j.events[1:]
		return i, true
	}
	j.busy = false
	if len(j.events) > 0 {
		l.drop(j)
	}
	return item{}, false
}

func (l *line) done(j *job, e payment.Event, outcome string, err error) {
	l.metrics.count(l.sink, outcome)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried(err)
	if err != nil {
		l.drop(j)
		return
	}
	j.told = e.Seq
	if outcome == refused || outcome == unconfirmed {
		j.refused = append(j.refused, e.Seq)
	}
	l.remember()
}

// tried remembers whether the sink can be told, and logs when that changes.
func (l *line) tried(err error) {
	if err != nil && l.failure == nil {
		l.log.Warn("events wait in the outbox", "error", err)
	}
	if err == nil && l.failure != nil {
		l.log.Info("events are told again")
	}
	l.failure = err
	if err == nil {
		l.backoff = 0
		return
	}
	l.backoff = min(max(2*l.backoff, backoffMin), backoffMax)
	l.retryAt = time.Now().Add(l.backoff)
}

// lastFailure is why the sink is out of reach, or nil: also when there was nothing to try it with for a while, as others have told
// what could not be told here.
func (l *line) lastFailure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.retryAt) > backoffMax {
		return nil
	}
	return l.failure
}

// drop leaves what is not told to whoever takes the row when the lease is over.
func (l *line) drop(j *job) {
	j.events = nil
	if j.told == j.kept {
		delete(l.jobs, j.id)
	}
}

// remember has what was told remembered soon.
func (l *line) remember() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
