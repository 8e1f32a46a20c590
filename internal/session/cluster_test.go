package session

import (
	"log/slog"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// In a cluster, sessions are spread over all nodes. Every process finds them, also after a node was lost and its replica took over.
func TestSessionsInARedisCluster(t *testing.T) {
	t.Parallel()
	stack := devstacktest.StartCluster(t)
	open := func() *scs.SessionManager {
		store, err := redis.Open(stack.RedisURL(), slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(func() { _ = store.Close() })
		return New(store, Options{Idle: time.Hour, Lifetime: 2 * time.Hour})
	}
	here, there := open(), open()
	var tokens []string
	for range 20 {
		tokens = append(tokens, begin(t, here))
	}
	for _, token := range tokens { // with 20 tokens every master holds some
		require.Equal(t, "ana", there.GetString(load(t, there, token), "user"))
		require.NoError(t, there.Destroy(load(t, there, begin(t, here))))
	}

	require.NoError(t, stack.Process(devstack.RedisNode1).Kill())
	require.Eventually(t, func() bool {
		for _, token := range tokens {
			ctx, err := there.Load(t.Context(), token)
			if err != nil || there.GetString(ctx, "user") != "ana" {
				return false
			}
		}
		return true
	}, time.Minute, 50*time.Millisecond)
	begin(t, there)
}
