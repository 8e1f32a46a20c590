// Package ratelimit says whether a request may pass, under several limits at once: its API key's and its client app's, say.
// All processes count together, in Redis.
//
// Its one rule: a refusal by one limit charges none of the others. And Redis is never the reason for a refusal: while it is
// away each process keeps the limits by itself, from what it knew last, so that payments go on and guesses are not let loose.
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

// Limiter is one process's hold on the limits. It is safe for concurrent use.
type Limiter struct {
	store    *redis.Store
	memory   *memory
	requests *prometheus.CounterVec
}

// New makes a Limiter that shares its limits with all that use the same Redis.
func New(store *redis.Store) *Limiter {
	return &Limiter{store: store, memory: newMemory(), requests: newRequests()}
}

// Take charges the limits for one request, all or none. The limits of one call are of one group, such as a client app, whose
// keys are in one slot of a cluster.
func (l *Limiter) Take(ctx context.Context, group string, limits ...Limit) Verdict {
	limits, keys := inForce(group, limits)
	if len(limits) == 0 {
		return Verdict{Admitted: true}
	}
	now := time.Now() // from before the question, so that nobody is kept waiting for longer than Redis would
	if v, refuses := l.memory.refuses(now, keys, limits); refuses {
		return l.count(limits, v, byProcess) // a flood costs Redis nothing
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
	return l.count(limits, verdict(answer[0] == "1", limits, backlogs), byFleet)
}

// Refuses says whether a request would certainly be refused, as far as this process knows. It asks nobody and charges nothing.
func (l *Limiter) Refuses(group string, limits ...Limit) (Verdict, bool) {
	limits, keys := inForce(group, limits)
	return l.memory.refuses(time.Now(), keys, limits)
}

// inForce are the limits that are any, and their keys; what is in braces decides the slot.
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
