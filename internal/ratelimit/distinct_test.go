package ratelimit

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// A thing that is tried again, in any process, does not count again; a new thing needs room in the quota.
func TestAThingCountsOnceInAllProcesses(t *testing.T) {
	t.Parallel()
	all := processes(t, devstacktest.Shared(), 2)
	here, there := NewDistinct(all[0].store, "e-mails", 3, time.Hour), NewDistinct(all[1].store, "e-mails", 3, time.Hour)
	subject := uuid.NewString()
	for range 3 {
		for i := range 3 {
			require.True(t, here.Admits(t.Context(), subject, fmt.Sprint(i)))
			require.True(t, there.Admits(t.Context(), subject, fmt.Sprint(i)))
		}
		require.False(t, here.Admits(t.Context(), subject, "one more"))
		require.False(t, there.Admits(t.Context(), subject, "one more"))
		require.True(t, there.Admits(t.Context(), uuid.NewString(), "one more"), "another subject")
	}
	keys, err := all[0].store.Client().Keys(t.Context(), "*"+subject+"*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	left, err := all[0].store.Client().PTTL(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	require.InDelta(t, time.Hour, left, float64(time.Minute), "the key expires with the window")
}

func TestAWindowPasses(t *testing.T) {
	t.Parallel()
	d := NewDistinct(processes(t, devstacktest.Shared(), 1)[0].store, "e-mails", 1, 300*time.Millisecond)
	subject := uuid.NewString()
	require.True(t, d.Admits(t.Context(), subject, "first"))
	require.Eventually(t, func() bool { return d.Admits(t.Context(), subject, "second") }, patient, 10*time.Millisecond)

	now := time.Now()
	require.True(t, d.decide(now, subject, "first"))
	require.True(t, d.decide(now.Add(d.window-1), subject, "first"))
	require.False(t, d.decide(now.Add(d.window-1), subject, "second"))
	require.True(t, d.decide(now.Add(d.window), subject, "second"))
}

// Without Redis each process applies the limit by itself, and nothing waits.
func TestWithoutRedisEachProcessCounts(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	store := processes(t, stack, 1)[0].store
	store.AnswerTime = 80 * time.Millisecond
	d := NewDistinct(store, "e-mails", 3, time.Hour)
	require.NoError(t, stack.Process(devstack.Redis).Kill())
	for range 2 {
		for i := range 10 {
			require.Equal(t, i < 3, d.Admits(t.Context(), "reader", fmt.Sprint(i)))
		}
	}
	require.True(t, store.Unavailable())
}
