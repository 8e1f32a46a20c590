package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestListPagesThroughAllPaymentsOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 25 {
		id := decode[Payment](t, f.create(t, fmt.Sprintf("k%d", i), goodBody)).ID
		f.database.set(id, func(p *payment.Payment) { p.CreatedAt = born.Add(time.Duration(i/3) * time.Microsecond) }) // some have the same time
	}
	f.create(t, "k", goodBody, "Authorization", "Bearer "+f.otherKey)

	seen, path := map[string]bool{}, "/v1/payments?limit=10"
	var sizes []int
	for path != "" {
		w := f.get(t, path)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		page := decode[PaymentList](t, w)
		sizes = append(sizes, len(page.Data))
		for _, p := range page.Data {
			require.False(t, seen[p.ID])
			require.Empty(t, p.Method.QrCodeBase64)
			require.NotEmpty(t, p.Method.QrCode)
			seen[p.ID] = true
		}
		path = ""
		if page.NextCursor != "" {
			path = "/v1/payments?limit=10&cursor=" + page.NextCursor
		}
	}
	require.Len(t, seen, 25)
	require.Equal(t, []int{10, 10, 5}, sizes)
	require.Len(t, decode[PaymentList](t, f.get(t, "/v1/payments")).Data, limitDefault)
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.JSONEq(t, `{"data": []}`, f.get(t, "/v1/payments").Body.String())
	f.create(t, "order-1042", goodBody)
	golden(t, "payment_list", f.get(t, "/v1/payments?status=pending&method=pix&reference=order-1042"))
	for query, count := range map[string]int{
		"status=approved": 0, "reference=order": 0, "reference=order-1042": 1,
		"created_from=2026-11-23T19:32:45.102313Z": 1, "created_from=2026-11-23T19:32:45.102314Z": 0,
		"created_to=2026-11-23T19:32:45.102313Z": 0, "created_to=2026-11-23T16:32:45.102314-03:00": 1,
	} {
		require.Len(t, decode[PaymentList](t, f.get(t, "/v1/payments?"+query)).Data, count, query)
	}
}

// A cursor is valid for its own list only.
func TestCursorBelongsToItsList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, key := range []string{"a", "b", "c"} {
		f.create(t, key, goodBody)
		f.create(t, key, goodBody, "Authorization", "Bearer "+f.otherKey)
	}
	cursor := decode[PaymentList](t, f.get(t, "/v1/payments?status=pending&limit=1")).NextCursor
	require.Equal(t, http.StatusOK, f.get(t, "/v1/payments?status=pending&limit=2&cursor="+cursor).Code)

	id := payment.NewID("shop", "a")
	forged := "A" + cursor[1:]
	if forged == cursor {
		forged = "B" + cursor[1:]
	}
	for _, path := range []string{
		"/v1/payments?cursor=" + cursor,
		"/v1/payments?status=approved&cursor=" + cursor,
		"/v1/payments?status=pending&reference=x&cursor=" + cursor,
		"/v1/payments/" + id + "/events?cursor=" + cursor,
		"/v1/payments?status=pending&cursor=" + cursor + "A",
		"/v1/payments?status=pending&cursor=" + forged,
		"/v1/payments?status=pending&cursor=x",
		"/v1/payments?status=pending&cursor=%00",
	} {
		w := f.get(t, path)
		require.Equal(t, http.StatusBadRequest, w.Code, path)
		require.Equal(t, "invalid_cursor", decode[Problem](t, w).Code)
	}
	w := f.get(t, "/v1/payments?status=pending&cursor="+cursor, "Authorization", "Bearer "+f.otherKey)
	require.Equal(t, http.StatusBadRequest, w.Code)
}

func TestListEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := decode[Payment](t, f.create(t, "k", goodBody))
	for i, status := range []payment.Status{payment.Processing, payment.Pending, payment.Approved} {
		f.database.events[p.ID] = append(f.database.events[p.ID], payment.Event{
			PaymentID: p.ID, ClientID: "shop", Seq: i + 1, Status: status, At: born.Add(time.Duration(i) * time.Second),
			Data: payment.EventData{Amount: 1050, ProviderPaymentID: "106400160592", ProviderStatus: string(status)},
		})
	}
	path := "/v1/payments/" + p.ID + "/events"
	golden(t, "event_list", f.get(t, path))

	first := decode[EventList](t, f.get(t, path+"?limit=2"))
	require.Len(t, first.Data, 2)
	second := decode[EventList](t, f.get(t, path+"?limit=2&cursor="+first.NextCursor))
	require.Len(t, second.Data, 1)
	require.Equal(t, 3, second.Data[0].Seq)
	require.Empty(t, second.NextCursor)

	require.Equal(t, http.StatusBadRequest, f.get(t, path+"?limit=0").Code)
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+payment.NewID("x", "y")+"/events").Code)
}

// Data-Age is never rounded down: clients rely on it.
func TestAListSaysHowOldItIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for age, want := range map[time.Duration]string{
		0: "0.0", time.Nanosecond: "0.1", 400 * time.Millisecond: "0.4", 401 * time.Millisecond: "0.5",
		10*time.Second - time.Millisecond: "10.0", time.Hour: "3600.0",
	} {
		f.database.age = age
		require.Equal(t, want, f.get(t, "/v1/payments").Header().Get("Data-Age"), age)
	}
	id := decode[Payment](t, f.create(t, "k", goodBody)).ID
	require.Empty(t, f.get(t, "/v1/payments/"+id).Header().Get("Data-Age"), "a payment that is read by its id is current")
}
