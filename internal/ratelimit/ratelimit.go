// Package ratelimit decides whether a request is admitted under several limits at once, such as the limit of its API key and the
// limit of its client app. All processes count together, in Redis.
//
// Its one rule: a request that one limit refuses is charged to none of them. And Redis is never the reason for a refusal: while Redis
// is unavailable each process applies the limits by itself, starting from what it knew last, so that payments go on and no client can
// guess API keys without a limit.
package ratelimit

import (
	"context"
	_ "embed"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/onlywave/onlywave/internal/redis"
)

//go:embed take.lua
var takeSource string

var takeScript = goredis.NewScript(takeSource)

// Limiter applies the limits in one process. It is safe for concurrent use.
type Limiter struct {
	store    *redis.Store
	memory   *memory
	requests *prometheus.CounterVec
}

// New makes a Limiter that shares its limits with all processes on the same Redis.
func New(store *redis.Store) *Limiter {
	return &Limiter{store: store, memory: newMemory(), requests: newRequests()}
}

// Take charges one request to all of the limits or to none. The limits of one call belong to one group, such as a client app, so
// that their keys are in one slot of a cluster.
func (l *Limiter) Take(ctx context.Context, group string, limits ...Limit) Decision {
	limits, keys := inForce(group, limits)
	if len(limits) == 0 {
		return Decision{Admitted: true}
	}
	now := time.Now() // before Redis is asked: a refusal must not last longer than in Redis
	if d, refuses := l.memory.refuses(now, keys, limits); refuses {
		return l.count(limits, d, byProcess) // a flood costs Redis nothing
	}
	var args []any
	for _, limit := range limits {
		args = append(args, limit.gap().Microseconds(), limit.whole().Microseconds())
	}
	answer, ok := l.store.Ask(ctx, takeScript, keys, args...)
	if !ok || len(answer) != 1+len(limits) {
		return l.count(limits, l.memory.take(now, keys, limits), byProcess)
	}
	backlogs := make([]time.Duration, len(limits))
	for i, text := range answer[1:] {
		backlogs[i] = microseconds(text)
	}
	l.memory.note(now, keys, backlogs)
	return l.count(limits, decide(answer[0] == "1", limits, backlogs), byFleet)
}

// Refuses says whether a request would certainly be refused, as far as this process knows. It neither asks Redis nor charges a limit.
func (l *Limiter) Refuses(group string, limits ...Limit) (Decision, bool) {
	limits, keys := inForce(group, limits)
	return l.memory.refuses(time.Now(), keys, limits)
}

// inForce returns the limits that have a quota, and their keys. The part in braces decides the slot of a key.
func inForce(group string, all []Limit) (limits []Limit, keys []string) {
	for _, l := range all {
		if l.Quota <= 0 {
			continue
		}
		key := "onlywave:limit:{" + group + "}:" + l.Name
		if l.Key != "" {
			key += ":" + l.Key
		}
		limits, keys = append(limits, l), append(keys, key)
	}
	return limits, keys
}

func microseconds(text string) time.Duration {
	n, _ := strconv.ParseInt(text, 10, 64) // our own script wrote it
	return time.Duration(n) * time.Microsecond
}
