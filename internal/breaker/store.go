package breaker

import (
	"cmp"
	"context"
	_ "embed"
	"strconv"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
)

//go:embed acquire.lua
var acquireSource string

//go:embed report.lua
var reportSource string

//go:embed force.lua
var forceSource string

var (
	acquireScript = goredis.NewScript(acquireSource)
	reportScript  = goredis.NewScript(reportSource)
	forceScript   = goredis.NewScript(forceSource)
)

// permit is leave to make one call.
type permit struct {
	name          string
	admitted      bool
	generation    string
	wait          time.Duration
	state, before State
	forced        bool
	reached       bool // the fleet's breaker gave it
	local         bool // so did this process's own
	weight        int  // calls that it stands for in the fleet's count
}

// ask puts the fleet's question before a call; false when it cannot be had.
func (b *Breaker) ask(ctx context.Context) (permit, bool) {
	p := permit{name: uuid.NewString()}
	if last := b.last.Load(); last == nil || last.state == Closed && !last.forced { // most likely it still is
		fields, ok := b.fleet.store.Fields(ctx, keys(b.name)[0], "state", "generation", "forced")
		if !ok {
			return p, false
		}
		if cmp.Or(State(fields[0]), Closed) == Closed && fields[2] == "" { // as acquire.lua, which changes nothing then
			p.admitted, p.generation, p.state, p.before = true, cmp.Or(fields[1], "0"), Closed, Closed
			return p, true
		}
	}
	answer, ok := b.fleet.store.Ask(ctx, acquireScript, keys(b.name), b.config.Probes, b.config.Lease.Milliseconds(), p.name)
	if !ok || len(answer) != 6 {
		return p, false
	}
	wait, _ := strconv.Atoi(answer[2])
	p.admitted, p.generation, p.wait = answer[0] == "1", answer[1], time.Duration(wait)*time.Millisecond
	p.state, p.before, p.forced = State(answer[3]), State(answer[4]), answer[5] == "1"
	return p, true
}

// reportToFleet reports to Redis how a call ended; false when Redis did not answer.
func (b *Breaker) reportToFleet(ctx context.Context, p permit, o outcome, earlier held) (before, after State, ok bool) {
	c := b.config
	answer, ok := b.fleet.store.Ask(ctx, reportScript, keys(b.name), p.generation, p.name, string(o), b.fleet.worker,
		int(c.Window.Seconds()), c.Minimum, c.Rate, c.Open.Milliseconds(), c.MaxOpen.Milliseconds(), c.Probes, max(p.weight, 1),
		earlier.successes, earlier.age.Milliseconds())
	if !ok || len(answer) != 3 {
		return "", "", false
	}
	return State(answer[2]), State(answer[1]), true
}

// keys are in one slot of a cluster: what is in braces decides.
func keys(name string) []string {
	key := "onlywave:breaker:{" + name + "}"
	return []string{key, key + ":probes"}
}
