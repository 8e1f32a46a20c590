package breaker

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// counted is how many calls of one kind (+ or -) Redis has counted for a breaker.
func counted(t *testing.T, b *Breaker, kind string) (sum int) {
	t.Helper()
	client := b.fleet.store.Client()
	buckets, err := client.Keys(t.Context(), keys(b.name)[0]+":*").Result()
	require.NoError(t, err)
	for _, bucket := range buckets {
		for field, n := range client.HGetAll(t.Context(), bucket).Val() {
			if strings.HasPrefix(field, kind) {
				calls, err := strconv.Atoi(n)
				require.NoError(t, err)
				sum += calls
			}
		}
	}
	return sum
}

// Each success is counted, though most are reported together, and the last ones by themselves after a second.
func TestSuccessesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 1, lasting)
	b, calls := all[0], 10*lasting.Minimum+5
	var asked questions
	b.fleet.store.Client().AddHook(&asked)
	began := time.Now()
	for range calls {
		require.NoError(t, b.Do(t.Context(), (&party{}).call))
	}
	seconds := int(time.Since(began)/batchTime) + 1 // each of which has a report more, however slow the machine is
	require.LessOrEqual(t, int(asked.Load()), calls+2*(calls/lasting.Minimum+2*seconds), "one question before each call")
	require.Eventually(t, func() bool { return counted(t, b, "+") == calls }, lasting.Window, 10*time.Millisecond)
}

// The first success of a process is reported at once, so that the fleet knows it. A failure is, with all successes before it, and so
// is all that follows while the window lasts.
func TestAFailureIsReportedAtOnceWithTheSuccessesBefore(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 1, lasting)
	b := all[0]
	var up, down party
	down.down.Store(true)
	require.NoError(t, b.Do(t.Context(), up.call))
	require.Equal(t, 1, counted(t, b, "+"))
	for range lasting.Minimum - 1 {
		require.NoError(t, b.Do(t.Context(), up.call))
	}
	require.ErrorIs(t, b.Do(t.Context(), down.call), errDown)
	require.Equal(t, []int{lasting.Minimum, 1}, []int{counted(t, b, "+"), counted(t, b, "-")})
	for range 5 {
		require.NoError(t, b.Do(t.Context(), up.call))
	}
	require.Equal(t, lasting.Minimum+5, counted(t, b, "+"))
}

// What was held back when the breaker changed is not counted for it afterwards.
func TestSuccessesOfBeforeAChangeAreDropped(t *testing.T) {
	t.Parallel()
	_, all := workers(t, devstacktest.Shared(), 1, lasting)
	b := all[0]
	require.False(t, later(b, "1"), "the first")
	require.True(t, later(b, "1"))
	require.True(t, later(b, "2"))
	earlier, held := b.add(permit{state: Closed, generation: "2"}, failed)
	require.False(t, held)
	require.Equal(t, 1, earlier.successes)
	earlier, _ = b.add(permit{state: Closed, generation: "2"}, failed)
	require.Zero(t, earlier.successes, "they were reported")
}

// later says whether a success of a generation is held back.
func later(b *Breaker, generation string) bool {
	_, is := b.add(permit{state: Closed, generation: generation}, success)
	return is
}
