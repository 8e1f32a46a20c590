package providerlimit

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// asker is the rule, wherever it is kept; times are in Unix microseconds.
type asker interface {
	ask(now int64, c Call) (admitted bool, wait int64)
}

// script is take.lua in a real Redis, at a time of the test's own.
type script struct {
	client goredis.UniversalClient
	rate   int
	keys   []string
}

var timedScript = goredis.NewScript(strings.Replace(takeSource, "redis.call('TIME')", "{KEYS[7], KEYS[8]}", 1))

func newScript(t testing.TB, rate int) *script {
	t.Helper()
	require.Contains(t, takeSource, "redis.call('TIME')")
	b := New(openStore(t, devstacktest.Shared()), uuid.NewString(), "a", rate, silent)
	return &script{client: b.store.Client(), rate: rate, keys: b.keys()}
}

func (s *script) ask(now int64, c Call) (bool, int64) {
	args := []any{s.rate, int(c.Urgency), c.Name, c.Client, hold, lateFor, "", 60}
	for _, u := range payment.Urgencies() {
		args = append(args, share(u))
	}
	keys := append(slices.Clone(s.keys), fmt.Sprint(now/1e6), fmt.Sprint(now%1e6))
	answer, err := timedScript.Run(context.Background(), s.client, keys, args...).StringSlice()
	if err != nil {
		panic(err)
	}
	return answer[0] == "1", number(answer[1])
}

const noon = int64(1_800_000_000_000_000)

// Whatever comes when, Redis and a process that is alone decide alike.
func TestRedisAndAProcessDecideAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 2, 3, 7, 10, 50}).Draw(r, "rate")
		fleet, alone := newScript(t, rate), newBucket(rate)
		now := noon
		for range rapid.IntRange(1, 120).Draw(r, "questions") {
			now += int64(rapid.SampledFrom([]int{0, 0, 1, 999, 1000, 30_000, 100_000, 700_000, 3_000_000, 50_000_000}).Draw(r, "pause"))
			c := Call{
				Urgency: rapid.SampledFrom(payment.Urgencies()).Draw(r, "urgency"), Name: rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(r, "name"),
			}
			c.Client = rapid.SampledFrom([]string{"", "1", "2"}).Draw(r, "client app")
			admitted, wait := fleet.ask(now, c)
			also, wait2 := alone.ask(now, c)
			require.Equal(r, admitted, also)
			require.InDelta(r, wait, wait2, 1)
		}
	})
}

// caller asks until it is admitted, each time at the time that it got.
type caller struct {
	Call
	came     int64 // when it first asks
	asks     int64 // when next
	admitted int64 // when; 0: not yet
	tries    int
	sent     int   // times that it had to come again after more than a second
	late     int64 // how much later than its time it comes
}

type agenda []*caller

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].asks < a[j].asks }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(c any)        { *a = append(*a, c.(*caller)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	c := (*a)[last]
	*a = (*a)[:last]
	return c
}

// play lets all of them ask until the end, and returns those that were admitted, in that order.
func play(rule asker, end int64, callers ...*caller) (admitted []*caller) {
	all := agenda(append([]*caller(nil), callers...))
	heap.Init(&all)
	for len(all) > 0 && all[0].asks <= end {
		c := all[0]
		c.tries++
		ok, wait := rule.ask(c.asks, c.Call)
		if ok {
			c.admitted = c.asks
			admitted = append(admitted, c)
			heap.Pop(&all)
			continue
		}
		if c.asks += wait + c.late; wait > longestWait.Microseconds() {
			c.sent++
		}
		heap.Fix(&all, 0)
	}
	return admitted
}

// come makes so many callers, the first at a time and each a while after the one before.
func come(u payment.Urgency, count int, first, gap int64) (all []*caller) {
	for i := range count {
		at := first + int64(i)*gap
		all = append(all, &caller{Call: Call{Urgency: u, Name: fmt.Sprintf("%s-%d", u, calls.Add(1))}, came: at, asks: at})
	}
	return all
}

// waited is how long it took until it was admitted.
func (c *caller) waited() time.Duration { return time.Duration(c.admitted-c.came) * time.Microsecond }

// of makes them calls for a client app.
func of(client string, callers []*caller) []*caller {
	for _, c := range callers {
		c.Client = client
	}
	return callers
}

const second = int64(1_000_000)

func both(t *testing.T, rate int, test func(t *testing.T, rule asker)) {
	t.Helper()
	t.Run("in Redis", func(t *testing.T) { t.Parallel(); test(t, newScript(t, rate)) })
	t.Run("in a process", func(t *testing.T) { t.Parallel(); test(t, newBucket(rate)) })
}

// The looks for many buyers that have paid at one moment wait; a buyer that needs a QR code meanwhile does not.
func TestAChargeIsAdmittedAtOnceWhile300LooksWait(t *testing.T) {
	t.Parallel()
	both(t, 10, func(t *testing.T, rule asker) {
		looks := come(payment.ForNews, 300, noon, 1)
		charges := come(payment.ForCharge, 80, noon+1, second/2)
		admitted := play(rule, noon+100*second, append(looks, charges...)...)
		require.Len(t, admitted, 380)
		for _, c := range charges {
			require.Equal(t, 1, c.tries, "%s waited for %s", c.Name, c.waited())
		}
		for i := 1; i < len(looks); i++ {
			require.LessOrEqual(t, looks[i-1].admitted, looks[i].admitted, "first come, first served")
		}
		last := float64(looks[299].admitted-noon) / float64(second)
		require.InDelta(t, (380-10)/10, last, 3, "nothing of the rate is lost")
		sent := 0
		for _, c := range looks {
			sent += c.sent
		}
		require.Less(t, sent, 300*3, "they get the right time")
	})
}

// When more want to call than may, each urgency gets its share, and the most urgent what is left.
func TestEachUrgencyHasAShareThatTheOthersCannotTake(t *testing.T) {
	t.Parallel()
	for rate, seconds := range map[int]int{1: 100, 2: 50, 3: 40, 10: 20, 100: 3} {
		both(t, rate, func(t *testing.T, rule asker) {
			var all []*caller
			for _, u := range payment.Urgencies() {
				all = append(all, come(u, rate*seconds, noon, second/int64(rate))...)
			}
			got := map[payment.Urgency]int{}
			for _, c := range play(rule, noon+int64(seconds)*second, all...) {
				got[c.Urgency]++
			}
			total := 0
			for _, u := range payment.Urgencies() {
				require.GreaterOrEqual(t, float64(got[u]), math.Floor(share(u)*float64(rate*seconds))-1, u)
				total += got[u]
			}
			require.InDelta(t, rate*seconds+rate, total, math.Max(1, float64(rate)/2))
			require.Greater(t, got[payment.Urgencies()[0]], int((share(payment.Urgencies()[0])+0.05)*float64(rate*seconds)), "what no urgency has a share of")
		})
	}
}

// A single urgency may have the whole rate when no other urgency wants to call.
func TestNothingIsKeptForCallersThatDoNotCome(t *testing.T) {
	t.Parallel()
	both(t, 10, func(t *testing.T, rule asker) {
		for i, u := range payment.Urgencies() {
			began := noon + int64(i)*1000*second
			admitted := play(rule, began+30*second, come(u, 1000, began, 0)...)
			require.InDelta(t, 300, len(admitted), 10, u)
		}
	})
}

// Callers that never come again, since their worker has died, hold up the others for no more than a moment.
func TestCallersThatNeverComeAgainHoldUpNoOther(t *testing.T) {
	t.Parallel()
	both(t, 10, func(t *testing.T, rule asker) {
		for _, u := range payment.Urgencies() {
			for _, c := range come(u, 64, noon, 0) {
				rule.ask(noon, c.Call)
			}
		}
		charges, sweeps := come(payment.ForCharge, 3, noon, 0), come(payment.ForSweep, 1, noon, 0)
		play(rule, noon+100*second, append(charges, sweeps...)...)
		for _, c := range append(charges, sweeps...) {
			require.NotZero(t, c.admitted)
			require.Less(t, c.admitted-noon, 60*second, c.Name)
		}
	})
}

// However callers come, no more go out than the rate and one burst; no caller waits for ever; and a punctual caller is not
// overtaken by one of the same urgency and client app that came later.
func TestTheRateIsKeptAndOrderToo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rate := rapid.SampledFrom([]int{1, 3, 10, 40}).Draw(r, "rate")
		var rule asker = newBucket(rate)
		if rapid.IntRange(0, 9).Draw(r, "in Redis") == 0 {
			rule = newScript(t, rate)
		}
		var all []*caller
		for range rapid.IntRange(1, 8).Draw(r, "crowds") {
			u := rapid.SampledFrom(payment.Urgencies()).Draw(r, "urgency")
			at := noon + int64(rapid.IntRange(0, 10_000_000).Draw(r, "at"))
			client := rapid.SampledFrom([]string{"", "1", "2"}).Draw(r, "client app")
			all = append(all, of(client, come(u, rapid.IntRange(1, 60).Draw(r, "count"), at, int64(rapid.SampledFrom([]int{0, 1000, 50_000, 400_000}).Draw(r, "gap"))))...)
		}
		admitted := play(rule, noon+3600*second, all...)
		require.Len(r, admitted, len(all), "no caller waits for ever")
		for i := range admitted {
			for j := i; j < len(admitted); j++ {
				passed := float64(admitted[j].admitted-admitted[i].admitted) / 1e6
				if most := float64(rate) + passed*float64(rate) + 0.01; float64(j-i+1) > most {
					require.Fail(r, "too many", "%d calls in %f s at a rate of %d", j-i+1, passed, rate)
				}
			}
		}
		last := map[Call]int64{}
		for _, c := range admitted {
			line := Call{Urgency: c.Urgency, Client: c.Client}
			require.GreaterOrEqual(r, c.came, last[line], "%s overtakes", c.Name)
			last[line] = c.came
		}
	})
}

// A worker of an earlier version writes a level that does not say whether callers wait. Then Redis is asked whether some do.
func TestALevelOfAnEarlierVersionHidesNoWaitingCaller(t *testing.T) {
	t.Parallel()
	s := newScript(t, 1)
	first := Call{Urgency: payment.ForBuyer, Name: "first"}
	for _, name := range []string{"x", "y"} {
		s.ask(noon, Call{Urgency: payment.ForBuyer, Name: name})
	}
	admitted, wait := s.ask(noon, first)
	require.False(t, admitted)
	level := s.client.Get(t.Context(), s.keys[0]).Val()
	require.True(t, strings.HasSuffix(level, " 1"), "some wait")
	require.NoError(t, s.client.Set(t.Context(), s.keys[0], strings.TrimSuffix(level, " 1"), time.Minute).Err())
	_, behind := s.ask(noon, Call{Urgency: payment.ForBuyer, Name: "last"})
	require.Greater(t, behind, wait)
}
