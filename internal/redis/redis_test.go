package redis

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 20 * time.Second

var (
	silent = slog.New(slog.DiscardHandler)
	echo   = goredis.NewScript("return {KEYS[1], ARGV[1]}")
	write  = goredis.NewScript("redis.call('SET', KEYS[1], ARGV[1]) return {KEYS[1]}")
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

func open(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(url, silent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *Store) echoes(ctx context.Context) bool {
	answer, ok := s.Ask(ctx, echo, []string{"key"}, "value")
	return ok && len(answer) == 2 && answer[0] == "key" && answer[1] == "value"
}

func TestAnAddressIsNotRepeated(t *testing.T) {
	t.Parallel()
	_, err := Open("redis//:hunter2@host", silent)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestAGoneCallersQuestionIsStillAnswered(t *testing.T) {
	t.Parallel()
	s := open(t, devstacktest.Shared().RedisURL())
	s.AnswerTime = timeout
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, s.echoes(gone))
}

// A Redis that went takes one answer's time from the callers that were asking, none from the others, and comes back by itself.
func TestARedisThatWentIsLeftAloneUntilItIsBack(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			s := open(t, stack.RedisURL())
			require.Eventually(t, func() bool { return s.echoes(t.Context()) }, timeout, 10*time.Millisecond)
			harm.Do(t, stack.Process(devstack.Redis))

			var asked asked
			s.client.AddHook(&asked)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 1000 {
						require.False(t, s.echoes(t.Context()))
					}
				})
			}
			group.Wait()
			require.LessOrEqual(t, asked.scripts.Load(), int64(2*8), "none asks again; EVALSHA may be followed by EVAL")
			require.True(t, s.Unavailable())

			harm.Heal(t, stack.Process(devstack.Redis))
			require.Eventually(t, func() bool { return s.echoes(t.Context()) }, timeout, 10*time.Millisecond)
			require.False(t, s.Unavailable())
		})
	}
}

// No caller waits for a Redis that takes connections and says nothing.
func TestABlackHoleCostsOneAnswersTime(t *testing.T) {
	t.Parallel()
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer hole.Close()
	s := open(t, "redis://"+hole.Addr().String())
	began := time.Now()
	for range 10_000 {
		require.False(t, s.echoes(t.Context()))
	}
	require.Less(t, time.Since(began), 100*answerTimeout, "of ten thousand, one has waited")
}

func TestCloseEndsTheWaiting(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s, err := Open("redis://127.0.0.1:1", silent) // nothing listens there
	require.NoError(t, err)
	require.False(t, s.echoes(t.Context()))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Close(), goredis.ErrClosed)
	require.False(t, s.echoes(t.Context()))
	goleak.VerifyNone(t, before)
}

// asked counts the scripts that are sent to Redis.
type asked struct{ scripts atomic.Int64 }

func (a *asked) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (a *asked) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if cmd.Name() != "exists" {
			a.scripts.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (a *asked) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}
