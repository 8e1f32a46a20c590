package session

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

func newManager(t *testing.T) *scs.SessionManager {
	t.Helper()
	store, err := redis.Open(devstacktest.Shared().RedisURL(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return New(store, Options{Idle: time.Hour, Lifetime: 2 * time.Hour})
}

// load returns the context of a request with the token.
func load(t *testing.T, m *scs.SessionManager, token string) context.Context {
	t.Helper()
	ctx, err := m.Load(t.Context(), token)
	require.NoError(t, err)
	return ctx
}

// begin stores a session and returns its token.
func begin(t *testing.T, m *scs.SessionManager) string {
	t.Helper()
	ctx := load(t, m, "")
	m.Put(ctx, "user", "ana")
	token, _, err := m.Commit(ctx)
	require.NoError(t, err)
	return token
}

func TestASessionIsSharedByProcessesAndItsTokenIsNotStored(t *testing.T) {
	t.Parallel()
	token := begin(t, newManager(t))
	other := newManager(t)
	require.Equal(t, "ana", other.GetString(load(t, other, token), "user"))
	keys, err := other.Store.(*store).redis.Client().Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	require.NotContains(t, strings.Join(keys, " "), token)
}

// A request that runs while its session ends may write the session afterwards. The session stays ended.
func TestAnEndedSessionDoesNotComeBack(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	for name, end := range map[string]func(context.Context) error{"log-out": m.Destroy, "renewal": m.RenewToken} {
		token := begin(t, m)
		slow := load(t, m, token)
		for range 2 {
			require.NoError(t, end(load(t, m, token)), name)
		}
		m.Put(slow, "user", "mallory")
		_, _, err := m.Commit(slow)
		require.NoError(t, err)
		require.Empty(t, m.GetString(load(t, m, token), "user"), name)
	}
}

func TestWithoutRedisThereAreNoSessions(t *testing.T) {
	t.Parallel()
	unreachable, err := redis.Open("redis://127.0.0.1:1", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = unreachable.Close() })
	m := New(unreachable, Options{Idle: time.Hour, Lifetime: time.Hour})
	_, err = m.Load(t.Context(), "token")
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
	ctx := load(t, m, "")
	m.Put(ctx, "user", "ana")
	_, _, err = m.Commit(ctx)
	require.Equal(t, failure.Unavailable, failure.KindOf(err))
}
