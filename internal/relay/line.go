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
	publishTime = 3 * time.Second // for one event; much shorter than the lease
	mostJobs    = 1024            // payments in hand; the outbox keeps the others

	backoffMin = time.Second // between two tries while the sink is unavailable
	backoffMax = time.Minute
)

// line publishes events to one sink.
type line struct {
	sink     postgres.Sink
	publish  func(context.Context, payment.Event) (outcome string, err error) // an error: the sink does not have the event
	ready    func() bool                                                      // whether it is worth trying
	database *postgres.Store
	cache    *cache.Payments
	gap      time.Duration
	log      *slog.Logger
	metrics  *metrics

	mu      sync.Mutex
	jobs    map[string]*job // by payment
	working sync.WaitGroup  // goroutines that publish
	failure error           // of the last try; nil: the sink is available
	backoff time.Duration   // since failures began
	retryAt time.Time       // while there is a failure, one payment is tried at a time, and none before
	closed  bool            // nothing new is taken
	settled chan struct{}   // something was published and is not in the database yet
}

// job is a payment whose row of the outbox is this process's until the lease is over.
type job struct {
	id      string
	events  []item // to be published, in order
	sent    int    // number of the newest event that was published
	kept    int    // and of the newest that the database has as published
	refused []int  // numbers of published events that a subscriber's queue did not take, not in the database yet
	lease   time.Time
	busy    bool // a goroutine publishes
}

// item is an event with the trace that it belongs to.
type item struct {
	ctx   context.Context
	event payment.Event
}

func newLine(sink postgres.Sink, publish func(context.Context, payment.Event) (string, error), ready func() bool, c Config, m *metrics) *line {
	return &line{
		sink: sink, publish: publish, ready: ready, database: c.Database, cache: c.Cache, gap: c.repeatAfter(), log: c.Log.With("sink", sink),
		metrics: m, jobs: map[string]*job{}, settled: make(chan struct{}, 1),
	}
}

// take begins to publish an event when the row is owned, or adds it to what is in hand of the payment. Else the row's owner will
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

// takeOver begins to publish what was taken from the outbox. What an older release has published meanwhile is only written down.
func (l *line) takeOver(u postgres.Undelivered, lease time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.jobs[u.PaymentID] != nil {
		return // it is due again when its lease is over
	}
	if len(u.Events) == 0 {
		l.add(u.PaymentID, 0, lease).sent = u.Version
		l.remember()
		return
	}
	j := l.add(u.PaymentID, u.Events[0].Seq-1, lease)
	for _, e := range u.Events {
		j.events = append(j.events, item{context.Background(), e})
	}
	l.start(j)
}

// room is for how many payments more there is room in hand: for one at a time, and none before its time, while the sink is
// unavailable. The caller holds the lock.
func (l *line) room() int {
	if l.failure == nil {
		return max(mostJobs-len(l.jobs), 0)
	}
	if len(l.jobs) > 0 || time.Now().Before(l.retryAt) || !l.ready() {
		return 0
	}
	return 1
}

func (l *line) add(id string, sent int, lease time.Time) *job {
	j := &job{id: id, sent: sent, kept: sent, lease: lease}
	l.jobs[id] = j
	return j
}

// start lets a goroutine publish the job's events, unless one does. The caller holds the lock.
func (l *line) start(j *job) {
	if !j.busy {
		j.busy = true
		l.working.Go(func() { l.work(j) })
	}
}

// work publishes a job's events until there are none, or one cannot be published.
func (l *line) work(j *job) {
	for {
		i, ok := l.next(j)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(i.ctx, publishTime)
		outcome, err := l.publish(ctx, i.event)
		cancel()
		l.done(j, i.event, outcome, err)
	}
}

// next is the event to publish now. An event that does not follow the last published one is left to the outbox: the database has
// those between, of another process. All are left to other processes when the lease is about to be over.
func (l *line) next(j *job) (item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(j.events) > 0 && j.events[0].event.Seq <= j.sent {
		j.events = j.events[1:]
	}
	if len(j.events) > 0 && j.events[0].event.Seq == j.sent+1 && time.Until(j.lease) > publishTime {
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
	j.sent = e.Seq
	if outcome == refused || outcome == unconfirmed {
		j.refused = append(j.refused, e.Seq)
	}
	l.remember()
}

// tried remembers whether the sink is available, and logs when that changes.
func (l *line) tried(err error) {
	if err != nil && l.failure == nil {
		l.log.Warn("events wait in the outbox", "error", err)
	}
	if err == nil && l.failure != nil {
		l.log.Info("events are published again")
	}
	l.failure = err
	if err == nil {
		l.backoff = 0
		return
	}
	l.backoff = min(max(2*l.backoff, backoffMin), backoffMax)
	l.retryAt = time.Now().Add(l.backoff)
}

// lastFailure is why the sink is out of reach, or nil: also when there was nothing to try it with for a while, as others have
// published what could not be published here.
func (l *line) lastFailure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.retryAt) > backoffMax {
		return nil
	}
	return l.failure
}

// drop leaves what is not published to the process that takes the row when the lease is over.
func (l *line) drop(j *job) {
	j.events = nil
	if j.sent == j.kept {
		delete(l.jobs, j.id)
	}
}

// remember has the database updated soon with what was published.
func (l *line) remember() {
	select {
	case l.settled <- struct{}{}:
	default:
	}
}
