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

// What is tried again was counted before, in whichever process; what is new has to find room.
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
		require.True(t, there.Admits(t.Context(), uuid.NewString(), "one more"), "somebody else's")
	}
	keys, err := all[0].store.Client().Keys(t.Context(), "*"+subject+"*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	left, err := all[0].store.Client().PTTL(t.Context(), keys[0]).Result()
	require.NoError(t, err)
	require.InDelta(t, time.Hour, left, float64(time.Minute), "nothing is remembered for longer")
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

// Without Redis each process keeps to the limit by itself: nothing waits, and nobody is flooded.
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
	require.True(t, store.Away())
}
