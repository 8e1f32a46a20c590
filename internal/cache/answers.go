package cache

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
)

// Answers keeps what another party said about something that seldom changes, such as its prices. An answer that is too old is still better
// than none, while that party does not answer. It is safe for concurrent use.
type Answers struct {
	store *redis.Store
	fresh time.Duration
	kept  time.Duration
	asks  singleflight.Group
	reads *prometheus.CounterVec
}

// NewAnswers makes one process's hold on answers that it shares with all that use the same Redis. An answer is good for as long as fresh,
// and is kept for as long as kept.
func NewAnswers(store *redis.Store, fresh, kept time.Duration) *Answers {
	return &Answers{
		store: store, fresh: fresh, kept: kept,
		reads: newCounter("onlywave_provider_answers_total", "Questions to Mercado Pago about its terms, by how they were answered: hit (a copy), miss (it was asked) or stale (it did not answer, and an old copy did).", hit, miss, stale),
	}
}

// Collectors are the metrics of the answers.
func (a *Answers) Collectors() []prometheus.Collector { return []prometheus.Collector{a.reads} }

// fallbackTimeout is how long the other party may take when there is an old answer.
const fallbackTimeout = 2 * time.Second

var keepAnswer = goredis.NewScript(`
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'at', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'kept'}`)

// Answer is a copy that is fresh, or what the other party says. The key names the question and holds nothing that may not be read in Redis.
// An age above 0 says that the other party failed, and how old the copy is that answers. A refusal of the question itself, of kind Invalid or
// NotFound, is an answer, and no copy takes its place.
func Answer[T any](ctx context.Context, a *Answers, key string, ask func(context.Context) (T, error)) (answer T, age time.Duration, err error) {
	held, heldFor, found := look[T](ctx, a, key)
	if found && heldFor < a.fresh {
		a.reads.WithLabelValues(hit).Inc()
		return held, 0, nil
	}
	if found {
		limited, cancel := context.WithTimeout(ctx, fallbackTimeout)
		defer cancel()
		ctx = limited
	}
	answer, err = renew(ctx, a, key, ask)
	if kind := failure.KindOf(err); found && err != nil && kind != failure.Invalid && kind != failure.NotFound {
		a.reads.WithLabelValues(stale).Inc()
		return held, heldFor, nil
	}
	a.reads.WithLabelValues(miss).Inc()
	return answer, 0, err
}

func look[T any](ctx context.Context, a *Answers, key string) (held T, age time.Duration, found bool) {
	fields, ok := a.store.Fields(ctx, answerKey(key), "body", "at")
	if !ok || fields[0] == "" {
		return held, 0, false
	}
	at, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || json.Unmarshal([]byte(fields[0]), &held) != nil { // perhaps another release's
		return held, 0, false
	}
	return held, max(time.Since(time.UnixMilli(at)), time.Millisecond), true
}

// renew asks the other party, once for all callers that want to know the same meanwhile.
func renew[T any](ctx context.Context, a *Answers, key string, ask func(context.Context) (T, error)) (answer T, err error) {
	shared := a.asks.DoChan(key, func() (any, error) {
		asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout) // whose caller may go while others wait
		defer cancel()
		asked := time.Now()
		answer, err := ask(asking)
		if err == nil {
			a.keep(asking, key, answer, asked)
		}
		return answer, err
	})
	select {
	case <-ctx.Done():
		return answer, ctx.Err()
	case done := <-shared:
		answer, _ = done.Val.(T)
		return answer, done.Err
	}
}

// askTimeout ends a question that its first caller may have left.
const askTimeout = 10 * time.Second

func (a *Answers) keep(ctx context.Context, key string, answer any, asked time.Time) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic("cache: an answer is plain data: " + err.Error())
	}
	a.store.Ask(ctx, keepAnswer, []string{answerKey(key)}, string(body), asked.UnixMilli(), a.kept.Milliseconds())
}

func answerKey(key string) string { return "onlywave:answer:{" + key + "}" }
