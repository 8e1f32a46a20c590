package relay

import (
	"context"
	"time"

	"github.com/onlywave/onlywave/internal/postgres"
)

const (
	databaseTime = 5 * time.Second       // for one question to the database
	gather       = 40 * time.Millisecond // what was published in this time is written down together
	pollEvery    = time.Second
	pollBatch    = 100
)

// run writes down what was published, and takes what is due from the outbox, until ctx ends.
func (l *line) run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			l.end()
			return nil
		case <-l.settled:
			pause(ctx, gather)
			l.keep()
		case <-tick.C:
			l.keep() // what the database could not take before
			l.poll(ctx)
		}
	}
}

// end waits for what is being published, and writes it down.
func (l *line) end() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.working.Wait()
	l.keep()
}

// keep writes down what was published. What the database cannot take is kept for another try, until its lease is over.
func (l *line) keep() {
	batch := l.unkept()
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), databaseTime)
	defer cancel()
	asked := time.Now()
	more, err := l.database.KeepDelivered(ctx, l.sink, batch, l.gap)
	if err != nil {
		l.log.Warn("outbox", "error", err)
	}
	goesOn := make(map[string]bool, len(more))
	for _, id := range more {
		goesOn[id] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range batch {
		j := l.jobs[t.PaymentID]
		switch {
		case err == nil:
			l.kept(j, t, goesOn[t.PaymentID], asked.Add(postgres.OutboxLease))
		case !j.busy && time.Now().After(j.lease):
			delete(l.jobs, j.id)
		}
	}
}

// unkept is what was published and is not in the database yet.
func (l *line) unkept() []postgres.Delivered {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch []postgres.Delivered
	for _, j := range l.jobs {
		if j.sent > j.kept {
			batch = append(batch, postgres.Delivered{PaymentID: j.id, Seq: j.sent, Refused: j.refused})
		}
	}
	return batch
}

// kept goes on with a job after the database has what was published: there is more to publish, or the job is over.
func (l *line) kept(j *job, t postgres.Delivered, more bool, lease time.Time) {
	j.kept = t.Seq
	j.refused = j.refused[len(t.Refused):]
	if more {
		j.lease = lease
	}
	switch {
	case j.busy || j.sent > j.kept:
	case more && !l.closed:
		j.busy = true
		l.working.Go(func() { l.load(j) })
	default:
		delete(l.jobs, j.id)
	}
}

// load reads a payment's further events, and publishes them.
func (l *line) load(j *job) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseTime)
	defer cancel()
	events, err := l.database.Events(ctx, j.id, j.sent, pollBatch)
	if err != nil {
		l.log.Warn("outbox", "error", err)
	}
	var found []item
	for _, e := range events {
		found = append(found, item{context.Background(), e})
	}
	l.mu.Lock()
	j.events = append(found, j.events...)
	l.mu.Unlock()
	l.work(j)
	l.forget(j)
}

// forget drops a job that has come to nothing, as when the database did not return the further events.
func (l *line) forget(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !j.busy && l.jobs[j.id] == j {
		l.drop(j)
	}
}

// poll takes from the outbox what is due: it was not published while a process owned the row.
func (l *line) poll(ctx context.Context) {
	for ctx.Err() == nil && l.ready() {
		l.mu.Lock()
		room := min(l.room(), pollBatch)
		l.mu.Unlock()
		if room == 0 {
			return
		}
		asked := time.Now()
		found, err := l.due(ctx, room)
		if err != nil {
			l.log.Warn("outbox", "error", err)
			return
		}
		for _, u := range found {
			l.takeOver(u, asked.Add(postgres.OutboxLease))
		}
		if len(found) < room {
			return
		}
	}
}

// due takes rows, and copies the payments whose events are about to be published into the cache: the process that moved one may
// have died before it could.
func (l *line) due(ctx context.Context, limit int) ([]postgres.Undelivered, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTime)
	defer cancel()
	found, err := l.database.TakeUndelivered(ctx, l.sink, limit)
	if err != nil || len(found) == 0 || l.sink != postgres.ToSubscribers || l.cache == nil {
		return found, err
	}
	ids := make([]string, len(found))
	for i, u := range found {
		ids[i] = u.PaymentID
	}
	asked := time.Now()
	payments, err := l.database.PaymentsByID(ctx, ids)
	for _, p := range payments {
		l.cache.Keep(ctx, p, asked)
	}
	return found, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
