// Package replay remembers which signed notifications were stored, for all API processes, so that a copy of one is not taken in
// again. Its one rule: what is not certain to be a copy is none. If Redis is unavailable or has lost the marks, copies are taken in again; they are
// recognized later, and cost nothing else.
package replay

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/redis"
)

const (
	day = 24 * time.Hour
	// longest is how long marks are kept when signatures never grow too old.
	longest = 15 * day
	// batch is how many marks go to Redis at once, at the latest batchWait after the first. A process asks Redis only about what was
	// signed before its own memory begins, mostly minutes ago, so a second is early enough.
	batch     = 256
	batchWait = time.Second
	// waiting is how many marks may wait for that. More are forgotten, as while Redis is unavailable.
	waiting = 64 * batch
)

var (
	//go:embed seen.lua
	seenText string
	//go:embed keep.lua
	keepText string

	seenScript = goredis.NewScript(seenText)
	keepScript = goredis.NewScript(keepText)
)

// Mark is a signed notification: what was signed, as a hash, and when. A copy of it has the same mark, and nothing else has.
type Mark struct {
	Sum      [32]byte
	SignedAt time.Time
}

// Guard is one process's. It is safe for concurrent use. Nil knows of nothing.
//
// What was stored lately is in the process's own memory, and Redis gets it in batches, so that nobody who sends something new waits
// for Redis. So a copy of something that was signed in the last minutes may be taken in once by each process.
type Guard struct {
	store  *redis.Store
	keep   time.Duration
	copies prometheus.Counter

	lately lately
	marks  chan Mark
	closed chan struct{}
	sender sync.WaitGroup
	close  sync.Once
}

// New makes a guard that remembers for as long as a signature is accepted; 0: however old it is. Close it.
func New(store *redis.Store, window time.Duration) *Guard {
	if window == 0 {
		window = longest
	}
	g := &Guard{
		store: store, keep: window + day, lately: newLately(time.Now()), marks: make(chan Mark, waiting), closed: make(chan struct{}),
		copies: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "onlywave_webhooks_replayed_total", Help: "Notifications that were copies of a stored one; they were answered 200 and not processed.",
		}),
	}
	g.sender.Go(g.send)
	return g
}

// Collectors are the metrics of the guard.
func (g *Guard) Collectors() []prometheus.Collector { return []prometheus.Collector{g.copies} }

// Close gives Redis what is left, and ends.
func (g *Guard) Close() {
	g.close.Do(func() { close(g.closed) })
	g.sender.Wait()
}

// Seen says whether a notification with this mark was kept.
func (g *Guard) Seen(ctx context.Context, m Mark) bool {
	if g == nil {
		return false
	}
	seen, sure := g.lately.has(m)
	if !seen && !sure {
		key, number := m.place()
		answer, ok := g.store.Ask(ctx, seenScript, []string{key}, number)
		seen = ok && len(answer) == 1 && answer[0] == "1"
	}
	if seen {
		g.copies.Inc()
	}
	return seen
}

// Keep remembers the mark of a notification that is stored.
func (g *Guard) Keep(m Mark) {
	if g == nil {
		return
	}
	g.lately.add(m, time.Now())
	select {
	case g.marks <- m:
	default:
	}
}

// send brings marks to Redis.
func (g *Guard) send() {
	tick := time.NewTicker(batchWait)
	defer tick.Stop()
	for {
		select {
		case <-g.closed:
			g.flush()
			return
		case <-tick.C:
			g.flush()
		}
	}
}

// flush sends all marks that wait.
func (g *Guard) flush() {
	for len(g.marks) > 0 {
		days := map[int64]map[string][]string{} // the numbers of each set
		for range min(batch, len(g.marks)) {
			m := <-g.marks
			key, number := m.place()
			if days[m.day()] == nil {
				days[m.day()] = map[string][]string{}
			}
			days[m.day()][key] = append(days[m.day()][key], number)
		}
		for _, sets := range days {
			args := []any{int64(g.keep / time.Second)}
			keys := slices.Sorted(maps.Keys(sets))
			for _, key := range keys {
				args = append(args, strings.Join(sets[key], " "))
			}
			_, _ = g.store.Ask(context.Background(), keepScript, keys, args...)
		}
	}
}

// span is the time of the marks that are in one set: what is signed together is kept together, by few commands. A set of up to 512
// numbers takes 8 bytes for each (Redis, set-max-intset-entries), so that four million notifications a day take 35 MB and not 400.
const span = 5 * time.Second

// place is the set that a mark is in and its number there. Two marks of one set share the number by a chance of one in 2^63. The
// sets of one day are in one slot of a cluster, so that one script may write several.
func (m Mark) place() (key, number string) {
	var n uint64
	for _, b := range m.Sum[:8] {
		n = n<<8 | uint64(b)
	}
	return fmt.Sprintf("onlywave:webhooks:{%d}:at:%d", m.day(), m.SignedAt.Unix()/int64(span/time.Second)), strconv.FormatUint(n&math.MaxInt64, 10)
}

func (m Mark) day() int64 { return m.SignedAt.Unix() / int64(day/time.Second) }
