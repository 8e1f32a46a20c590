package breaker

import (
	"context"
	_ "embed"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

const (
	// askTimeout is the most that Redis may cost a call; there are two questions to it.
	askTimeout = 100 * time.Millisecond
	// awayFor is how long Redis is left alone after it failed; then one caller tries it again.
	awayFor = time.Second
)

//go:embed acquire.lua
var acquireSource string

//go:embed report.lua
var reportSource string

var (
	acquireScript = redis.NewScript(acquireSource)
	reportScript  = redis.NewScript(reportSource)
)

// NewRedis makes a client for a store that may be away at any moment: it answers at once or not at all. It does not
// connect yet.
func NewRedis(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.ContextTimeoutEnabled = true // go-redis would wait past the caller's deadline
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 250*time.Millisecond, time.Second, time.Second
	options.MaxRetries, options.DialerRetries = -1, 1
	return redis.NewClient(options), nil
}

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
}

// store is the breakers' state in Redis. When Redis fails it is left alone for a while, so that a silent one slows down
// a call a second, not all of them.
type store struct {
	client *redis.Client
	log    *slog.Logger
	retry  atomic.Int64 // Unix milliseconds from which one caller may try again; 0: it works
}

func (s *store) acquire(ctx context.Context, b *Breaker) (permit, bool) {
	p := permit{name: uuid.NewString()}
	answer, ok := s.run(ctx, acquireScript, b.name, b.config.Probes, b.config.Lease.Milliseconds(), p.name)
	if !ok || len(answer) != 6 {
		return p, false
	}
	wait, _ := strconv.Atoi(answer[2])
	p.admitted, p.generation, p.wait = answer[0] == "1", answer[1], time.Duration(wait)*time.Millisecond
	p.state, p.before, p.forced = State(answer[3]), State(answer[4]), answer[5] == "1"
	return p, true
}

func (s *store) report(ctx context.Context, b *Breaker, p permit, o outcome) (before, after State, ok bool) {
	c := b.config
	answer, ok := s.run(ctx, reportScript, b.name, p.generation, p.name, string(o), b.fleet.worker, int(c.Window.Seconds()),
		c.Minimum, c.Rate, c.Open.Milliseconds(), c.MaxOpen.Milliseconds(), c.Probes)
	if !ok || len(answer) != 3 {
		return "", "", false
	}
	return State(answer[2]), State(answer[1]), true
}

func (s *store) run(ctx context.Context, script *redis.Script, name string, args ...any) ([]string, bool) {
	if !s.mayAsk() {
		return nil, false
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := script.Run(asking, s.client, keys(name), args...).StringSlice()
	if err != nil {
		if ctx.Err() == nil && s.retry.Swap(time.Now().Add(awayFor).UnixMilli()) == 0 {
			s.log.Warn("breakers are on their own", "error", err)
		}
		return nil, false
	}
	if s.retry.Swap(0) != 0 {
		s.log.Info("breakers are the fleet's again")
	}
	return answer, true
}

// mayAsk admits everybody while Redis works, and one caller per pause while it does not.
func (s *store) mayAsk() bool {
	retry := s.retry.Load()
	if retry == 0 {
		return true
	}
	now := time.Now()
	return now.UnixMilli() >= retry && s.retry.CompareAndSwap(retry, now.Add(awayFor).UnixMilli())
}

// keys are in one slot of a cluster: what is in braces decides.
func keys(name string) []string {
	key := "onlywave:breaker:{" + name + "}"
	return []string{key, key + ":probes"}
}
