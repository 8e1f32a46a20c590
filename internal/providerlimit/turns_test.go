package providerlimit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/devstack/devstacktest"
)

// One client app asks for twenty times the rate, for ten seconds. Another asks once a second, and waits for next to nothing, while
// the flood gets all that is left of the rate.
func TestAFloodOfOneClientAppDelaysNoOther(t *testing.T) {
	t.Parallel()
	const rate, seconds = 10, 10
	for _, u := range payment.Urgencies() {
		both(t, rate, func(t *testing.T, rule asker) {
			flood := of("flood", come(u, 20*rate*seconds, noon, second/(20*rate)))
			single := of("single", come(u, seconds, noon+second/2, second))
			admitted := play(rule, noon+400*second, slices.Concat(flood, single)...)
			require.Len(t, admitted, len(flood)+len(single), "all are admitted in the end")
			require.Less(t, p95(single), p95(flood)/10)
			for i := 1; i < len(flood); i++ {
				require.LessOrEqual(t, flood[i-1].admitted, flood[i].admitted, "one client app's calls go first come, first served")
			}
			got := 0
			for _, c := range flood {
				if c.admitted <= noon+seconds*second {
					got++
				}
			}
			require.GreaterOrEqual(t, got, rate*seconds-len(single), "nothing of the rate is lost")
			t.Logf("%s: one client app's flood waits for %s (p95) and has %d calls in %d s; the other waits for %s", u, p95(flood), got, seconds, p95(single))
		})
	}
}

// p95 is how long all but the slowest twentieth have waited.
func p95(callers []*caller) time.Duration {
	waits := make([]time.Duration, len(callers))
	for i, c := range callers {
		waits[i] = c.waited()
	}
	slices.Sort(waits)
	return waits[len(waits)*95/100]
}

// Client apps that all ask for too much get the same, whichever came first and whatever they had before.
func TestFloodsOfClientAppsShareTheRateEqually(t *testing.T) {
	t.Parallel()
	const rate = 10
	for _, u := range []payment.Urgency{payment.ForCharge, payment.ForSweep} {
		both(t, rate, func(t *testing.T, rule asker) {
			first := of("first", come(u, 1000, noon, second/200))
			other := of("second", come(u, 300, noon+20*second, 0))
			third := of("third", come(u, 300, noon+40*second, 0))
			play(rule, noon+200*second, slices.Concat(first, other, third)...)
			within := func(callers []*caller, from, to int64) (n int) {
				for _, c := range callers {
					if c.admitted > noon+from*second && c.admitted <= noon+to*second {
						n++
					}
				}
				return n
			}
			require.InDelta(t, 200, within(first, 1, 20), 15, "the first is alone")
			require.InDelta(t, 100, within(first, 20, 40), 2, "half of the rate")
			require.InDelta(t, 100, within(other, 20, 40), 2)
			for _, each := range [][]*caller{first, other, third} {
				require.InDelta(t, 100, within(each, 40, 70), 3, "a third of the rate")
			}
		})
	}
}

// A caller that comes late is not behind what its client app has asked for since.
func TestALateCallerHasItsTurn(t *testing.T) {
	t.Parallel()
	both(t, 10, func(t *testing.T, rule asker) {
		all := of("shop", come(payment.ForNews, 400, noon, 1))
		late := all[100]
		late.late = 5 * second
		play(rule, noon+100*second, all...)
		require.Greater(t, late.admitted, all[120].admitted, "others do not wait for it")
		require.Less(t, late.admitted, all[200].admitted)
	})
}

// What Redis holds of the client apps is bounded: those that wait and few more, and not for ever.
func TestTurnsAreForgotten(t *testing.T) {
	t.Parallel()
	rule := newScript(t, 10)
	var all []*caller
	for i := range 500 {
		all = append(all, of(fmt.Sprint(i), come(payment.ForNews, 1, noon+int64(i)*second/10, 0))...)
	}
	flood := of("flood", come(payment.ForNews, 500, noon, second/10))
	require.Len(t, play(rule, noon+200*second, slices.Concat(all, flood)...), 1000)
	again := come(payment.ForNews, 20, noon+300*second, 0)
	play(rule, noon+301*second, again...)

	held, err := rule.client.ZCard(t.Context(), rule.keys[5]).Result()
	require.NoError(t, err)
	require.LessOrEqual(t, held, int64(3))
	for _, key := range rule.keys {
		ttl, err := rule.client.TTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.NotEqual(t, time.Duration(-1), ttl, "%s has no expiry", key)
	}
}

func BenchmarkTake(b *testing.B) {
	for name, waiting := range map[string]int{"nobody waits": 0, "2000 wait": 2000} {
		b.Run(name, func(b *testing.B) {
			rate := 1_000_000
			if waiting > 0 {
				rate = 1
			}
			l := New(openStore(b, devstacktest.Shared()), b.Name()+fmt.Sprint(time.Now()), "a", rate, silent)
			for range waiting {
				_, _ = l.ask(b.Context(), a(payment.ForNews))
			}
			for b.Loop() {
				_, _ = l.ask(b.Context(), a(payment.ForNews))
			}
		})
	}
}
