package presence

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

func open(t *testing.T, url string) *Board {
	t.Helper()
	store, err := redis.Open(url, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	store.AnswerTime = 10 * time.Second
	return New(store)
}

func TestUsersSeeEachOther(t *testing.T) {
	t.Parallel()
	ctx, object, now := t.Context(), "dead_letter/"+uuid.NewString(), time.Now().UTC().Truncate(time.Second)
	b := open(t, devstacktest.Shared().RedisURL())
	require.Empty(t, b.Look(ctx, object, "ana", now))
	require.Equal(t, []Look{{"ana", now}}, b.Look(ctx, object, "ben", now.Add(time.Minute)))
	require.Empty(t, b.Look(ctx, "dead_letter/"+uuid.NewString(), "ben", now))

	// A user who looks again has been looking since the first time; one who does not is forgotten.
	later := now.Add(4 * time.Minute)
	require.Equal(t, []Look{{"ben", now.Add(time.Minute)}}, b.Look(ctx, object, "ana", later))
	require.Equal(t, []Look{{"ana", now}}, b.Look(ctx, object, "carla", now.Add(Keep+time.Minute)))
	require.Equal(t, []Look{{"carla", now.Add(Keep + time.Minute)}}, b.Look(ctx, object, "ana", now.Add(2*Keep)))
}

func TestWithoutRedisNobodyIsSeen(t *testing.T) {
	t.Parallel()
	b := open(t, "redis://127.0.0.1:1/0")
	require.Empty(t, b.Look(t.Context(), "dead_letter/x", "ana", time.Now()))
}
