package ratelimit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bucket is the simple model: a token is added every gap, up to the quota, and a request takes one. Its unit is the microsecond.
type bucket struct {
	gap, quota, content int64
}

func bucketOf(l Limit) *bucket {
	gap := l.Window.Microseconds() / int64(l.Quota)
	return &bucket{gap: gap, quota: int64(l.Quota), content: gap * int64(l.Quota)}
}

func (b *bucket) drip(d time.Duration) {
	b.content = min(b.content+d.Microseconds(), b.gap*b.quota)
}

func drawLimit(t *rapid.T) Limit {
	l := Limit{Quota: rapid.IntRange(1, 20).Draw(t, "quota")}
	l.Window = time.Duration(l.Quota+rapid.IntRange(0, 5_000_000).Draw(t, "window")) * time.Microsecond
	return l
}

// Several limits at once decide as several token buckets do: all or nothing. What they say of the remaining requests and of
// RetryAfter is right to the microsecond.
func TestLimitsAreBucketsOfTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, now := newMemory(), time.Unix(1_800_000_000, 0)
		all := map[string]Limit{"a": drawLimit(t), "b": drawLimit(t), "c": drawLimit(t)}
		model := map[string]*bucket{}
		for key, l := range all {
			model[key] = bucketOf(l)
		}
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			pause := time.Duration(rapid.IntRange(0, 400_000).Draw(t, "pause")) * time.Microsecond
			if rapid.Bool().Draw(t, "at once") {
				pause = 0
			}
			now = now.Add(pause)
			keys := rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"b", "c"}, {"c", "b", "a"}}).Draw(t, "keys")
			var limits []Limit
			fits := true
			for _, b := range model {
				b.drip(pause)
			}
			for _, key := range keys {
				limits = append(limits, all[key])
				fits = fits && model[key].content >= model[key].gap
			}
			v, refuses := m.refuses(now, keys, limits)
			require.Equal(t, !fits, refuses)
			if refuses {
				_, stillRefuses := m.refuses(now.Add(v.RetryAfter-time.Microsecond), keys, limits)
				require.True(t, stillRefuses, "no sooner")
				_, stillRefuses = m.refuses(now.Add(v.RetryAfter), keys, limits)
				require.False(t, stillRefuses, "and no later")
			}
			taken := m.take(now, keys, limits)
			require.Equal(t, fits, taken.Admitted)
			require.Equal(t, refuses, len(v.States) > 0)
			if !fits {
				require.Equal(t, v, taken, "refuses and take agree")
				continue
			}
			for i, key := range keys {
				b := model[key]
				b.content -= b.gap
				require.Equal(t, int(b.content/b.gap), taken.States[i].Remaining)
				require.Equal(t, b.gap*b.quota-b.content, taken.States[i].Full.Microseconds())
			}
		}
	})
}

// A limit that is finer than Redis's clock is rounded to it.
func TestTheSmallestGap(t *testing.T) {
	t.Parallel()
	l := Limit{Quota: 3_000_000, Window: time.Second}
	require.Equal(t, time.Microsecond, l.gap())
	require.True(t, l.fits(0))
}
