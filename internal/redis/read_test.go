package redis

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

func TestWhatIsMissingIsReadAsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, devstacktest.Shared().RedisURL())
	s.AnswerTime = timeout
	key := uuid.NewString()
	fields, ok := s.Fields(t.Context(), key, "a", "b")
	require.True(t, ok)
	require.Equal(t, []string{"", ""}, fields)
	left, ok := s.Left(t.Context(), key)
	require.True(t, ok)
	require.Zero(t, left)

	require.NoError(t, s.client.HSet(t.Context(), key, "b", "2").Err())
	require.NoError(t, s.client.PExpire(t.Context(), key, time.Minute).Err())
	fields, ok = s.Fields(t.Context(), key, "a", "b")
	require.True(t, ok)
	require.Equal(t, []string{"", "2"}, fields)
	left, ok = s.Left(t.Context(), key)
	require.True(t, ok)
	require.Greater(t, left, time.Minute/2)

	require.NoError(t, s.Close())
	_, ok = s.Fields(t.Context(), key, "a")
	require.False(t, ok)
	_, ok = s.Left(t.Context(), key)
	require.False(t, ok)
}
