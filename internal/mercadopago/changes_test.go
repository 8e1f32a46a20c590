package mercadopago

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/simulator"
)

// walk reads a window to its end, page by page, and hands each to between.
func walk(t *testing.T, c *Client, w Window, between func(Changes)) []Change {
	t.Helper()
	var all []Change
	for rest := &w; rest != nil; {
		page, err := c.ChangesIn(t.Context(), *rest)
		require.NoError(t, err)
		all = append(all, page.Changes...)
		rest = page.Rest
		between(page)
	}
	return all
}

func TestEveryChangeOfAWindowIsSeenOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	began := time.Now()
	var ids []string
	for i := range 120 {
		state, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment(fmt.Sprint(i)), Key: fmt.Sprint("key-", i)})
		require.NoError(t, err)
		ids = append(ids, state.PaymentID)
	}
	for _, id := range ids[:10] {
		require.NoError(t, s.Pay(id))
	}
	w := Window{From: began.Add(-time.Second), To: time.Now().Add(time.Minute)}
	pages := 0
	seen := walk(t, c, w, func(Changes) { pages++ })
	require.GreaterOrEqual(t, pages, 3)
	require.True(t, slices.IsSortedFunc(seen, func(a, b Change) int { return a.UpdatedAt.Compare(b.UpdatedAt) }))
	var seenIDs []string
	for _, change := range seen {
		seenIDs = append(seenIDs, change.PaymentID)
		require.Equal(t, change.Status == payment.Pending, change.Creation)
	}
	require.ElementsMatch(t, ids, seenIDs)

	none, err := c.ChangesIn(t.Context(), Window{From: began.Add(-time.Hour), To: began.Add(-time.Minute)})
	require.NoError(t, err)
	require.Equal(t, Changes{}, none)
}

// A payment that has been read changes again and moves to the window's end: nothing slides past the reader.
func TestChangesDuringTheWalkHideNothing(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{})
	began := time.Now()
	var ids []string
	for i := range 110 {
		state, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment(fmt.Sprint(i)), Key: fmt.Sprint("key-", i)})
		require.NoError(t, err)
		ids = append(ids, state.PaymentID)
	}
	seen := map[string]bool{}
	first := true
	for _, change := range walk(t, c, Window{From: began.Add(-time.Second), To: time.Now().Add(time.Minute)}, func(page Changes) {
		if first {
			for _, change := range page.Changes {
				require.NoError(t, s.Pay(change.PaymentID))
			}
		}
		first = false
	}) {
		seen[change.PaymentID] = true
	}
	require.Len(t, seen, len(ids))
}

// crowd answers a search as Mercado Pago does, from payments that changed so many milliseconds after the beginning.
func crowd(moments []int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		begin, err := time.Parse(searchDate, q.Get("begin_date"))
		var found []string
		for i, ms := range moments {
			if at := beginning.Add(time.Duration(ms) * time.Millisecond); !at.Before(begin) && err == nil {
				found = append(found, fmt.Sprintf(`{"id":%d,"status":"approved","transaction_amount":1,"currency_id":"BRL","date_last_updated":%q}`, 1000+i, at.Format(searchDate)))
			}
		}
		offset, _ := strconv.Atoi(q.Get("offset"))
		page := found[min(offset, len(found)):min(offset+searchLimit, len(found))]
		fmt.Fprintf(w, `{"paging":{"total":%d},"results":[%s]}`, len(found), strings.Join(page, ","))
	}
}

var beginning = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestMoreChangesInOneMomentThanAPageHolds(t *testing.T) {
	t.Parallel()
	for name, moments := range map[string][]int{
		"all at once":           slices.Repeat([]int{7}, 130),
		"at the window's start": slices.Repeat([]int{0}, 120),
		"across pages":          slices.Concat(slices.Repeat([]int{1}, 49), slices.Repeat([]int{2}, 60), slices.Repeat([]int{3}, 51)),
		"exactly one page":      slices.Repeat([]int{5}, searchLimit),
		"none":                  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clientOf(t, crowd(moments), timeout)
			pages := 0
			seen := map[string]int{}
			for _, change := range walk(t, c, Window{From: beginning, To: beginning.Add(time.Second)}, func(Changes) { pages++; require.Less(t, pages, 20) }) {
				seen[change.PaymentID]++
			}
			require.Len(t, seen, len(moments))
			for id, times := range seen {
				require.Equal(t, 1, times, id)
			}
		})
	}
}

func TestAWindowIsAskedForInWholeMilliseconds(t *testing.T) {
	t.Parallel()
	var asked url.Values
	c := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		fmt.Fprint(w, `{"results":[]}`)
	}), timeout)
	_, err := c.ChangesIn(t.Context(), Window{
		From: time.Date(2026, 3, 1, 9, 0, 0, 1_900_000, time.FixedZone("", -3*60*60)), To: time.Date(2026, 3, 1, 12, 5, 0, 1_000_001, time.UTC),
	})
	require.NoError(t, err)
	require.Equal(t, "2026-03-01T12:00:00.001Z", asked.Get("begin_date"))
	require.Equal(t, "2026-03-01T12:05:00.002Z", asked.Get("end_date"))
	require.Equal(t, "date_last_updated", asked.Get("range"))
}

func TestAPaymentThatCannotBeReadDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	good := minimal("approved", "")
	page, err := reader{}.changes([]byte(`{"results":[`+strings.Join([]string{
		good,
		strings.Replace(minimal("teleported", ""), "592", "593", 1),
		strings.Replace(strings.Replace(good, "10.50", `"ten"`, 1), "592", "594", 1),
		`"nonsense"`,
		strings.Replace(good, "592", "595", 1),
	}, ",")+`]}`), Window{From: beginning, To: beginning})
	require.NoError(t, err)
	require.Nil(t, page.Rest)
	require.Len(t, page.Changes, 2)
	var broken []string
	for _, u := range page.Unreadable {
		require.Error(t, u.Err)
		broken = append(broken, u.PaymentID)
	}
	require.Equal(t, []string{"106400160593", "106400160594", ""}, broken)
	require.Equal(t, page.Changes[0].UpdatedAt, page.Unreadable[1].UpdatedAt)
}

func TestASearchThatSaysNothingIsNotNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `{}`, `{"results":null}`, `<html>`, `{"results":[{]}`} {
		_, err := reader{}.changes([]byte(body), Window{})
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
}
