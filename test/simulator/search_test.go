package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// find searches and returns the ids found, in order.
func (a account) find(query string) []string {
	a.t.Helper()
	status, found := a.call("GET", "/v1/payments/search?"+query, "", nil)
	require.Equal(a.t, http.StatusOK, status, "%v", found)
	ids := []string{}
	for _, result := range found["results"].([]any) {
		ids = append(ids, object(result.(map[string]any)).id())
	}
	return ids
}

func TestSearch(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	var ids []string
	for i := range 5 {
		ids = append(ids, a.charge(map[string]any{"external_reference": "order-" + strconv.Itoa(i)}).id())
	}
	twin := a.charge(map[string]any{"external_reference": "order-0"}).id()
	for i, later := range []time.Duration{100 * time.Millisecond, 50 * time.Millisecond} { // not in the same millisecond
		_, err := a.book.pay(ids[i], time.Now().Add(later))
		require.NoError(t, err)
	}

	require.Equal(t, []string{twin, ids[0]}, a.find("external_reference=order-0&sort=id&criteria=desc"))
	require.Equal(t, []string{ids[3]}, a.find("external_reference=order-3"))
	require.Empty(t, a.find("external_reference=order-9"))
	require.Equal(t, []string{ids[0], ids[1]}, a.find("status=approved&sort=id&criteria=asc"))
	require.Empty(t, a.find("payment_method_id=visa"))
	require.Equal(t, []string{ids[0], ids[1]}, a.find("sort=date_last_updated&criteria=desc&limit=2"), "what moved last comes first")
	require.Equal(t, ids[:2], a.find("range=date_approved&sort=id&criteria=asc"), "only what was approved has the date")
	require.Equal(t, []string{ids[2], ids[3]}, a.find("sort=id&criteria=asc&limit=2&offset=2"))

	_, page := a.call("GET", "/v1/payments/search?limit=2&offset=5", "", nil)
	require.Equal(t, map[string]any{"total": 6.0, "limit": 2.0, "offset": 5.0}, page["paging"])
	require.Len(t, page["results"], 1)
	require.Len(t, a.find("offset=100"), 0)
	require.Len(t, a.find("limit=0"), 0)
}

// More payments than are sorted at once, looked at from both ends and from the middle.
func TestSearchOverManyPayments(t *testing.T) {
	t.Parallel()
	b := newBook()
	const many = 3 * sortAtOnce
	for i := range many {
		b.byAge = append(b.byAge, &payment{id: strconv.Itoa(100_000 + i*7919%many), created: time.Unix(int64(i*7919%many), 0)})
	}
	for _, criteria := range []string{"asc", "desc"} {
		for _, offset := range []int{0, 49, 1500, many - 20, many + 5} {
			q, wrong := parseQuery(url.Values{
				"criteria": {criteria}, "sort": {"date_created"}, "limit": {"50"}, "offset": {strconv.Itoa(offset)},
				"begin_date": {"1970-01-01T00:00:00Z"}, "end_date": {"1970-06-01T00:00:00Z"},
			}, time.Now())
			require.Nil(t, wrong)
			page, total := b.search(q)
			require.Equal(t, many, total)
			require.Len(t, page, max(0, min(50, many-offset)))
			for i, p := range page {
				nth := offset + i
				if criteria == "desc" {
					nth = many - 1 - nth
				}
				require.Equal(t, strconv.Itoa(100_000+nth), p.id)
			}
		}
	}
}

func TestSearchWindow(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	id := a.charge(nil).id()
	date := func(wait time.Duration) string {
		return url.QueryEscape(time.Now().Add(wait).In(manaus).Format("2006-01-02T15:04:05.000-07:00"))
	}
	for query, found := range map[string]bool{
		"begin_date=NOW-5MINUTES&end_date=NOW":                                   true,
		"begin_date=NOW-2HOURS":                                                  true,
		"begin_date=NOW-30DAYS&end_date=NOW":                                     true,
		"begin_date=NOW-1MONTH&end_date=NOW-1MINUTE":                             false,
		"begin_date=NOW-30DAYS&end_date=NOW-1DAY":                                false,
		"range=date_last_updated&begin_date=NOW-1MINUTE&end_date=NOW%2B1HOUR":    true,
		"begin_date=" + date(-time.Hour) + "&end_date=" + date(time.Hour):        true,
		"begin_date=" + date(-time.Hour) + "&end_date=" + date(-time.Minute):     false,
		"range=money_release_date&begin_date=NOW-1HOUR&end_date=NOW":             false,
		"range=date_created&begin_date=NOW-364DAYS&end_date=NOW&status=approved": false,
	} {
		t.Run(query, func(t *testing.T) {
			want := []string{}
			if found {
				want = []string{id}
			}
			require.Equal(t, want, account{a.Simulator, t, a.url, a.client}.find(query))
		})
	}
}

func TestWrongSearchesAreRefused(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	for query, code := range map[string]float64{
		"limit=51":              1,
		"limit=-1":              1,
		"limit=many":            1,
		"offset=-1":             1,
		"offset=10001":          1000,
		"range=date_of_birth":   1,
		"sort=amount":           1,
		"criteria=up":           1,
		"begin_date=yesterday":  1,
		"begin_date=NOW-5WEEKS": 1,
		"begin_date=NOW-2YEARS": 9062,
		"begin_date=2026-01-01T00:00:00.000-04:00&end_date=2027-01-01T00:00:00.000-04:00": 9062,
	} {
		t.Run(query, func(t *testing.T) {
			status, refused := a.call("GET", "/v1/payments/search?"+query, "", nil)
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, code, refused.at("cause.0.code"))
		})
	}
}
