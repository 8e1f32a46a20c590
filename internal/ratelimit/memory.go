package ratelimit

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// kept bounds what a process remembers; those who have not asked for longest are forgotten.
const kept = 20_000

// memory is what a process knows of the limits: when the backlog of each is worked off, as far as it has heard. In Redis that
// may be later, by what others admitted since, and is never earlier unless Redis has lost it.
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

// refuses finds the limits that certainly have no room; the verdict is theirs.
func (m *memory) refuses(now time.Time, keys []string, limits []Limit) (Verdict, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := verdict(false, limits, m.backlogs(now, keys))
	return v, len(v.States) > 0
}

// note keeps what Redis said of the moment.
func (m *memory) note(now time.Time, keys []string, backlogs []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, key := range keys {
		m.empty.Add(key, now.Add(backlogs[i]))
	}
}

// take decides without Redis.
func (m *memory) take(now time.Time, keys []string, limits []Limit) Verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	backlogs := m.backlogs(now, keys)
	admitted := admit(limits, backlogs)
	if admitted {
		for i, key := range keys {
			m.empty.Add(key, now.Add(backlogs[i]))
		}
	}
	return verdict(admitted, limits, backlogs)
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
