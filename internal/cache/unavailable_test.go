package cache

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// Whatever becomes of Redis, the database is asked, and no caller waits.
func TestWithoutRedisTheDatabaseAnswers(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			c := newCache(t, stack.RedisURL(), time.Hour)
			id := uuid.NewString()
			c.keep(t, version(id, 1), time.Now())
			c.store.AnswerTime = 80 * time.Millisecond
			harm.Do(t, stack.Process(devstack.Redis))

			asked := 0
			began := time.Now()
			for range 1000 {
				p, age := c.ask(t, id, says(version(id, 2), &asked))
				require.Zero(t, age)
				require.Equal(t, 2, p.Version)
				_, certain := c.Keep(t.Context(), version(id, 2), time.Now())
				require.False(t, certain)
			}
			require.Less(t, time.Since(began), 100*c.store.AnswerTime, "of two thousand, a few have waited")
			require.Equal(t, 1000, asked)
			require.True(t, c.store.Unavailable())

			harm.Heal(t, stack.Process(devstack.Redis))
			require.Eventually(t, func() bool { return !c.store.Unavailable() }, timeout, 10*time.Millisecond)
			c.store.AnswerTime = timeout
			require.Equal(t, 2, c.keep(t, version(id, 2), time.Now()).Version)
			p, _ := c.ask(t, id, unavailable)
			require.Equal(t, 2, p.Version)
		})
	}
}

// A caller that joins a question that was put before a newer state was written must not get the older one. If Redis, which has the
// newer one, is gone by then, the caller asks the database itself.
func TestWhoKnowsMoreIsNotAnsweredWithLess(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"Redis": false, "no Redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			c := newCache(t, stack.RedisURL(), time.Hour)
			id := uuid.NewString()
			gate, joined := make(chan struct{}), make(chan struct{})
			var stored sync.Map
			stored.Store(id, version(id, 1))
			database := func(context.Context, string) (payment.Payment, error) {
				p, _ := stored.Load(id)
				return p.(payment.Payment), nil
			}
			var all sync.WaitGroup
			var once sync.Once
			all.Go(func() {
				_, err := c.read(t.Context(), id, func(ctx context.Context, id string) (payment.Payment, error) {
					p, err := database(ctx, id) // the older, at first
					once.Do(func() { close(joined); <-gate })
					return p, err
				})
				require.NoError(t, err)
			})
			<-joined
			stored.Store(id, version(id, 2))
			c.keep(t, version(id, 2), time.Now())
			if gone {
				require.NoError(t, stack.Process(devstack.Redis).Kill())
			}
			var coming sync.WaitGroup
			coming.Add(20)
			for range 20 {
				all.Go(func() {
					coming.Done()
					p, err := c.read(t.Context(), id, database)
					require.NoError(t, err)
					require.Equal(t, 2, p.Version)
				})
			}
			coming.Wait()
			close(gate)
			all.Wait()
		})
	}
}
