package ratelimit

import (
	"context"
	_ "embed"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/redis"
)

//go:embed distinct.lua
var distinctSource string

var distinctScript = goredis.NewScript(distinctSource)

// Distinct limits how many things are done for a subject within a window, such as e-mails to one reader. A thing counts once, by
// its name, however often it is tried. All processes count together in Redis. While Redis is unavailable each process counts by
// itself, so that each may admit the whole quota once more.
type Distinct struct {
	store  *redis.Store
	name   string
	quota  int
	window time.Duration

	mu    sync.Mutex
	local *simplelru.LRU[string, map[string]time.Time] // the things of each subject, counted while Redis was unavailable
}

// NewDistinct makes a limit that all processes with the same name and the same Redis share.
func NewDistinct(store *redis.Store, name string, quota int, window time.Duration) *Distinct {
	local, err := simplelru.NewLRU[string, map[string]time.Time](kept, nil)
	if err != nil {
		panic("ratelimit: " + err.Error()) // the size is a constant
	}
	return &Distinct{store: store, name: name, quota: quota, window: window, local: local}
}

// Admits says whether a thing may be done: it was counted before, or the quota has room for it.
func (d *Distinct) Admits(ctx context.Context, subject, thing string) bool {
	key := "onlywave:limit:{" + d.name + ":" + subject + "}"
	if answer, ok := d.store.Ask(ctx, distinctScript, []string{key}, thing, d.quota, d.window.Microseconds()); ok && len(answer) == 1 {
		return answer[0] == "1"
	}
	return d.decide(time.Now(), subject, thing)
}

func (d *Distinct) decide(now time.Time, subject, thing string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	things, known := d.local.Get(subject)
	if !known {
		things = map[string]time.Time{}
		d.local.Add(subject, things)
	}
	maps.DeleteFunc(things, func(_ string, at time.Time) bool { return now.Sub(at) >= d.window })
	if _, counted := things[thing]; counted {
		return true
	}
	if len(things) >= d.quota {
		return false
	}
	things[thing] = now
	return true
}
