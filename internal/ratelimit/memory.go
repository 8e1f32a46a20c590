package ratelimit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// kept is how many limits a process remembers; the ones that were not asked about for longest are forgotten.
const kept = 20_000

// memory is what one process knows of the limits: the time at which the backlog of each will be empty. In Redis that time may be
// later, because other processes admitted requests since. It is earlier only when Redis has lost data.
type memory struct {
	mu    sync.Mutex
	empty *simplelru.LRU[string, time.Time]
}

func newMemory() *memory {
	empty, err := simplelru.NewLRU[string, time.Time](kept, nil)
	if err != nil {
		panic("ratelimit: " + err.Error()) // the size is a constant
	}
	return &memory{empty: empty}
}

// refuses finds the limits that certainly have no room. The decision names only these.
func (m *memory) refuses(now time.Time, keys []string, limits []Limit) (Decision, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := decide(false, limits, m.backlogs(now, keys))
	return d, len(d.States) > 0
}

// note remembers the backlogs that Redis has answered with.
func (m *memory) note(now time.Time, keys []string, backlogs []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, key := range keys {
		m.empty.Add(key, now.Add(backlogs[i]))
	}
}

// take decides without Redis.
func (m *memory) take(now time.Time, keys []string, limits []Limit) Decision {
	m.mu.Lock()
	defer m.mu.Unlock()
	backlogs := m.backlogs(now, keys)
	admitted := admit(limits, backlogs)
	if admitted {
		for i, key := range keys {
			m.empty.Add(key, now.Add(backlogs[i]))
		}
	}
	return decide(admitted, limits, backlogs)
}

func (m *memory) backlogs(now time.Time, keys []string) []time.Duration {
	backlogs := make([]time.Duration, len(keys))
	for i, key := range keys {
		if empty, ok := m.empty.Get(key); ok {
			backlogs[i] = max(0, empty.Sub(now))
		}
	}
	return backlogs
}
