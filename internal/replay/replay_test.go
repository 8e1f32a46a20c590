package replay

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/redis"
	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

const timeout = 20 * time.Second

var silent = slog.New(slog.DiscardHandler)

func TestMain(m *testing.M) { devstacktest.Main(m, devstack.Redis) }

func newGuard(t testing.TB, url string, window time.Duration) *Guard {
	t.Helper()
	return newGuardWithin(t, url, window, timeout)
}

// newGuardWithin waits for Redis for so long.
func newGuardWithin(t testing.TB, url string, window, answer time.Duration) *Guard {
	t.Helper()
	store, err := redis.Open(url, silent)
	require.NoError(t, err)
	store.AnswerTime = answer
	t.Cleanup(func() { _ = store.Close() })
	g := New(store, window)
	t.Cleanup(g.Close)
	return g
}

// mark is of a notification that was signed a while ago.
func mark(text string, ago time.Duration) Mark {
	return Mark{Sum: sha256.Sum256([]byte(text)), SignedAt: time.Now().Add(-ago)}
}

// What one process has stored is a copy to all of them, as soon as Redis has heard of it; to itself at once.
func TestACopyIsKnownEverywhere(t *testing.T) {
	t.Parallel()
	url := devstacktest.Shared().RedisURL()
	one, other := newGuard(t, url, time.Hour), newGuard(t, url, time.Hour)
	var marks []Mark
	for i := range 3 * batch {
		m := mark(fmt.Sprint(t.Name(), i), time.Duration(i%50)*time.Hour)
		marks = append(marks, m)
		require.False(t, one.Seen(t.Context(), m), "nothing is a copy before it was kept")
		one.Keep(m)
		require.True(t, one.Seen(t.Context(), m))
	}
	for i, m := range marks {
		if i%50 > 0 {
			require.Eventually(t, func() bool { return other.Seen(t.Context(), m) }, timeout, time.Millisecond)
		}
	}
}

// What was signed just now is taken in without asking Redis, once by each process; later it is known to all.
func TestWhatIsNewWaitsForNobody(t *testing.T) {
	t.Parallel()
	url := devstacktest.Shared().RedisURL()
	one, other := newGuard(t, url, time.Hour), newGuard(t, url, time.Hour)
	m := mark(t.Name(), -time.Second)
	one.Keep(m)
	one.Close() // Redis has it
	require.False(t, other.Seen(t.Context(), m))
	other.Keep(m)
	require.True(t, other.Seen(t.Context(), m))
	third := newGuard(t, url, time.Hour)
	third.lately.since = time.Now().Add(time.Hour) // as if it had been signed before the third can remember
	require.True(t, third.Seen(t.Context(), m))
}

// Redis gets the marks of a second together, which costs it as little as one.
func TestMarksAreSentTogether(t *testing.T) {
	t.Parallel()
	stack := devstacktest.Start(t, devstack.Redis)
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, stack.RedisURL(), time.Hour)
		m := mark(t.Name(), time.Minute)
		for i := range 9 {
			time.Sleep(100 * time.Millisecond)
			m.Sum[0] = byte(i)
			g.Keep(m)
		}
		time.Sleep(200 * time.Millisecond)
		client := g.store.Client()
		require.Contains(t, client.InfoMap(t.Context(), "commandstats").Item("Commandstats", "cmdstat_sadd"), "calls=1,")
		key, _ := m.place()
		require.EqualValues(t, 9, client.SCard(t.Context(), key).Val())
		g.Close()
		require.NoError(t, g.store.Close())
	})
}

// A process forgets by generations, and knows since when it remembers all.
func TestLatelyIsTwoGenerations(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_800_000_000, 0)
	l := newLately(start)
	at := func(n int) Mark {
		return Mark{Sum: sha256.Sum256([]byte(fmt.Sprint(n))), SignedAt: start.Add(time.Duration(n) * time.Second)}
	}
	has := func(n int) [2]bool { seen, sure := l.has(at(n)); return [2]bool{seen, sure} }
	l.add(at(1), start.Add(time.Second))
	require.Equal(t, [2]bool{true, true}, has(1))
	require.Equal(t, [2]bool{false, true}, has(2))
	require.Equal(t, [2]bool{false, false}, has(-1), "it may have been stored before this process began")

	l.add(at(130), start.Add(130*time.Second)) // a second generation
	require.Equal(t, [2]bool{true, true}, has(1))
	l.add(at(260), start.Add(260*time.Second)) // a third
	require.Equal(t, [2]bool{false, false}, has(1), "Redis must be asked")
	require.Equal(t, [2]bool{true, false}, has(130))
	require.Equal(t, [2]bool{true, true}, has(260))

	for n := range 3 * generation {
		l.add(at(1000+n), start.Add(261*time.Second))
	}
	require.LessOrEqual(t, len(l.young)+len(l.old), 2*generation)
}

// A mark lives for as long as its signature is accepted, and no set lives for ever.
func TestMarksAreForgottenInTheEnd(t *testing.T) {
	t.Parallel()
	for window, least := range map[time.Duration]time.Duration{time.Hour: time.Hour, 0: 15 * day} {
		g := newGuard(t, devstacktest.Shared().RedisURL(), window)
		m := mark(fmt.Sprint(t.Name(), window), time.Minute)
		g.Keep(m)
		g.Close()
		key, _ := m.place()
		left, err := g.store.Client().TTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Greater(t, left, least)
		require.Less(t, left, least+2*day)
	}
}

// Many marks take eight bytes each, and some for their set.
func TestMarksAreSmall(t *testing.T) {
	t.Parallel()
	g := newGuard(t, devstacktest.Shared().RedisURL(), time.Hour)
	at := time.Unix(20_000*int64(day/time.Second), 0) // a day of the test's own
	var key string
	for i := range 200 {
		m := Mark{Sum: sha256.Sum256([]byte(fmt.Sprint(t.Name(), i))), SignedAt: at}
		g.Keep(m)
		key, _ = m.place()
	}
	g.Close()
	require.Equal(t, "onlywave:webhooks:{20000}:at:345600000", key)
	bytes, err := g.store.Client().MemoryUsage(t.Context(), key).Result()
	require.NoError(t, err)
	require.Less(t, bytes, int64(200*8+1000))
}

// While Redis is unavailable nothing is a copy but what this process has stored, and nobody waits for it.
func TestWithoutRedisOnlyWhatIsOurOwnIsACopy(t *testing.T) {
	t.Parallel()
	for name, harm := range devstacktest.Harms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := devstacktest.Start(t, devstack.Redis)
			one, other := newGuardWithin(t, stack.RedisURL(), time.Hour, time.Second), newGuardWithin(t, stack.RedisURL(), time.Hour, time.Second)
			m := mark(t.Name(), time.Hour)
			one.Keep(m)
			require.Eventually(t, func() bool { return other.Seen(t.Context(), m) }, timeout, time.Millisecond)
			harm.Do(t, stack.Process(devstack.Redis))
			require.False(t, other.Seen(t.Context(), m))
			require.True(t, one.Seen(t.Context(), m))
			for i := range 2 * waiting {
				one.Keep(mark(fmt.Sprint(t.Name(), i), time.Hour))
			}
			harm.Heal(t, stack.Process(devstack.Redis))
		})
	}
	var none *Guard
	require.False(t, none.Seen(t.Context(), Mark{}))
	none.Keep(Mark{})
}

func BenchmarkKeep(b *testing.B) {
	g := newGuard(b, devstacktest.Shared().RedisURL(), time.Hour)
	for i := range b.N {
		m := mark(fmt.Sprint(i), 0)
		if !g.Seen(b.Context(), m) {
			g.Keep(m)
		}
	}
}
