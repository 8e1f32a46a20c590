// Package cache keeps copies of payments in Redis: as they were after each change, and as they were read since. A new payment is copied
// when it is first read, since no older copy can be in the way. The copies spare the database repeated reads, and answer reads while the
// database is unavailable.
//
// Its one rule: an older state never takes a newer one's place, however late it comes. And a copy is never the reason
// for a failure or for waiting: while Redis is unavailable the database is asked as if there were no cache.
package cache

import (
	"context"
	_ "embed"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/redis"
)

const (
	// kept is how long a copy answers for a database that is unavailable. What is in it is what its client app may read, and is gone
	// afterwards.
	kept = time.Hour
	// renewal is how long the others leave it to one asker to read the database anew.
	renewal = time.Second
	// databaseTimeout is how long the database may take when there is a copy to fall back on.
	databaseTimeout = time.Second
)

//go:embed look.lua
var lookSource string

//go:embed keep.lua
var keepSource string

var (
	lookScript = goredis.NewScript(lookSource)
	keepScript = goredis.NewScript(keepSource)
)

// Payments is one process's hold on the copies. It is safe for concurrent use; a nil one keeps none.
type Payments struct {
	store *redis.Store
	ttl   time.Duration
	reads singleflight.Group

	looks, keeps *prometheus.CounterVec
}

// New makes one process's hold on the copies that it shares with all that use the same Redis. A copy is taken for the database's
// answer for as long as ttl, counted from when the database was asked; nothing is cached when that is 0.
func New(store *redis.Store, ttl time.Duration) *Payments {
	if ttl <= 0 {
		return nil
	}
	return &Payments{store: store, ttl: ttl, looks: newLooks(), keeps: newKeeps()}
}

// Query reads one payment from the database; kind Unavailable when it does not answer.
type Query func(ctx context.Context, id string) (payment.Payment, error)

// Payment is the payment by a copy that is young enough, or by the database. An age above 0 says that the database did not answer,
// and how old the copy is that does; it may be of an earlier state than the caller knows of. What the payment was asked for
// with, and by whom it is paid, is not in copies: Payer, IdempotencyKey and Fingerprint may be empty.
func (c *Payments) Payment(ctx context.Context, id string, query Query) (p payment.Payment, age time.Duration, err error) {
	if c == nil {
		p, err = query(ctx, id)
		return p, 0, err
	}
	held, found := c.look(ctx, id)
	if found && held.age < c.ttl && !held.renew {
		c.looked(hit)
		return held.payment, 0, nil
	}
	if !found {
		c.looked(miss)
		p, err = c.read(ctx, id, query)
		return p, 0, err
	}
	limited, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	p, err = c.read(limited, id, query)
	switch {
	case err == nil || failure.KindOf(err) != failure.Unavailable:
		c.looked(miss)
		return p, 0, err
	case held.age < c.ttl:
		c.looked(hit)
		return held.payment, 0, nil
	}
	c.looked(stale)
	return held.payment, max(held.age, time.Second), nil
}

// Since returns the copy if it shows the payment as it was after a given time: the database was asked for it, or it was written, later.
// Without Redis, or without its clock, there is no copy.
//
// A copy's time and the given one come from two processes' readings of one clock. Each takes the end of its reading's uncertainty that
// makes the copy older, so that a slow answer of Redis costs a read of the database and never believes an old copy. Some milliseconds
// are left: the processes' clocks do not run equally fast, and after a failover the copy's time is another node's. They do not matter. A
// copy misleads only when the database has lost what it shows, by a failover or a restore. That takes seconds, in which nothing is
// written; so a copy of before is seconds older than what is asked for after.
func (c *Payments) Since(ctx context.Context, id string, at time.Time) (payment.Payment, bool) {
	if c == nil {
		return payment.Payment{}, false
	}
	if fields, clock, ok := c.store.FieldsAt(ctx, keys(id)[0], "body", "at"); ok {
		asked, _ := strconv.ParseInt(fields[1], 10, 64) // our own script wrote it
		if p, ok := decode(fields[0], id); ok && time.UnixMilli(asked).After(clock.Latest(at)) {
			c.looked(hit)
			return p, true
		}
	}
	c.looked(miss)
	return payment.Payment{}, false
}

// copied is a copy as Redis holds it.
type copied struct {
	payment payment.Payment
	age     time.Duration // since the database was asked
	renew   bool          // this asker reads the database, for all
}

// look finds a copy. In the second half of its time one caller after another has to renew it, so that a payment that many
// ask for is never asked of the database by all at once.
func (c *Payments) look(ctx context.Context, id string) (copied, bool) {
	answer, ok := c.store.Ask(ctx, lookScript, keys(id), (c.ttl / 2).Milliseconds(), renewal.Milliseconds())
	if !ok || len(answer) != 3 {
		return copied{}, false
	}
	p, ok := decode(answer[0], id)
	age, _ := strconv.ParseInt(answer[1], 10, 64) // our own script wrote it
	return copied{payment: p, age: time.Duration(age) * time.Millisecond, renew: answer[2] == "1"}, ok
}

// Keep copies a payment that was read or written just now; asked is from before that. It returns the newest state that is
// known: p, or the copy that is newer. It is not certain when Redis did not say.
func (c *Payments) Keep(ctx context.Context, p payment.Payment, asked time.Time) (newest payment.Payment, certain bool) {
	if c == nil {
		return p, false
	}
	said := int64(0)
	if !p.Provider.UpdatedAt.IsZero() {
		said = p.Provider.UpdatedAt.UnixMicro()
	}
	keeping := kept + rand.N(kept/10) // what was written together is not gone together
	answer, ok := c.store.AskAt(ctx, keepScript, keys(p.ID), func(clock redis.Clock) []any {
		return []any{
			p.Version, said, clock.Earliest(asked).UnixMilli(), clock.Earliest(time.Now()).UnixMilli(), kept.Milliseconds(), keeping.Milliseconds(), encode(p),
		}
	})
	if !ok || len(answer) == 0 {
		c.wrote(lost)
		return p, false
	}
	if answer[0] == "kept" {
		c.wrote(written)
		return p, true
	}
	c.wrote(older)
	if held, ok := decode(answer[1], p.ID); ok {
		return held, true
	}
	return p, false
}

// keys are in one slot of a cluster: what is in braces decides.
func keys(id string) []string { return []string{"onlywave:payment:{" + id + "}"} }

// record is a payment in Redis.
type record struct {
	payment.Payment
	Method payment.MethodRecord `json:"method"`
}

// encode leaves out what no client app is shown.
func encode(p payment.Payment) string {
	p.Payer, p.IdempotencyKey, p.Fingerprint = payment.Payer{}, "", ""
	body, err := json.Marshal(record{p, payment.MethodRecord{Method: p.Method, Instructions: p.Instructions}})
	if err != nil {
		panic("cache: a payment is plain data: " + err.Error())
	}
	return string(body)
}

// decode is careful, since what is in Redis may be another release's.
func decode(body, id string) (payment.Payment, bool) {
	var r record
	err := json.Unmarshal([]byte(body), &r)
	p := r.Payment
	p.Method, p.Instructions = r.Method.Method, r.Method.Instructions
	return p, err == nil && p.ID == id
}
