package cache

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// commands is how many commands Redis runs for one call, those in scripts included, when connections and scripts are there.
func (c *Payments) commands(t *testing.T, call func()) float64 {
	t.Helper()
	const calls = 50
	run := func() int {
		all := c.store.Client().InfoMap(t.Context(), "stats").Item("Stats", "total_commands_processed")
		n, err := strconv.Atoi(all)
		require.NoError(t, err)
		return n
	}
	call()
	before := run()
	for range calls {
		call()
	}
	return float64(run()-before-1) / calls
}

func TestACallCostsRedisFewCommands(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	c := newCache(t, stack.RedisURL(), time.Hour)
	id, began := uuid.NewString(), time.Now().Add(-time.Minute)
	const clock = 0.2 // which is read now and then
	require.InDelta(t, 3, c.commands(t, func() { c.keep(t, version(id, 2), time.Now()) }), clock, "the script, and what it reads and writes")
	require.InDelta(t, 1, c.commands(t, func() {
		_, found := c.Since(t.Context(), id, began)
		require.True(t, found)
	}), clock)
}

// A process for which it is the year 2000 keeps copies with the same age as the others, and believes the same ones.
func TestAWrongDateChangesNoCopysAge(t *testing.T) {
	t.Parallel()
	right := shared(t, time.Hour)
	first, second, third, began := uuid.NewString(), uuid.NewString(), uuid.NewString(), time.Now().Add(-time.Minute)
	right.keep(t, version(first, 1), time.Now().Add(-2*time.Minute))
	right.keep(t, version(second, 1), time.Now())
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, 2000, time.Now().Year())
		wrong, began := shared(t, time.Hour), time.Now().Add(-time.Minute)
		_, found := wrong.Since(t.Context(), first, began)
		require.False(t, found, "it is older")
		_, found = wrong.Since(t.Context(), second, began)
		require.True(t, found)
		wrong.keep(t, version(second, 2), time.Now().Add(-2*time.Minute))
		wrong.keep(t, version(third, 1), time.Now())
	})
	_, found := right.Since(t.Context(), second, began)
	require.False(t, found, "it is older")
	_, found = right.Since(t.Context(), third, began)
	require.True(t, found)
	p, age := right.ask(t, third, unavailable)
	require.Zero(t, age)
	require.Equal(t, 1, p.Version)
}

// A Redis that does not say how late it is finds no copy, however young.
func TestWithoutTheTimeNoCopyCounts(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	c, late := newCache(t, stack.RedisURL(), time.Hour), newCache(t, stack.RedisURL(), time.Hour)
	id, began := uuid.NewString(), time.Now().Add(-time.Minute)
	c.keep(t, version(id, 1), time.Now())
	client := c.store.Client()
	require.NoError(t, client.Do(t.Context(), "acl", "setuser", "default", "-time").Err())
	require.Equal(t, "1", client.HGet(context.WithoutCancel(t.Context()), keys(id)[0], "version").Val(), "it would answer")
	_, found := late.Since(t.Context(), id, began)
	require.False(t, found)
	require.Equal(t, 1, late.counted(t, miss))
}
