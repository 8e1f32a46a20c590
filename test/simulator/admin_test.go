package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// admin calls the admin API, which needs no token, and decodes its answer.
func admin[T any](a account, method, path, body string) (int, T) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+"/admin/"+path, strings.NewReader(body))
	require.NoError(a.t, err)
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	var out T
	if res.StatusCode != http.StatusNoContent {
		require.NoError(a.t, json.NewDecoder(res.Body).Decode(&out))
	}
	return res.StatusCode, out
}

func TestAdminPayments(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	first := a.charge(nil).id()
	second := a.charge(map[string]any{"external_reference": "order-2"}).id()

	status, paid := admin[adminPayment](a, "POST", "payments/"+first+"/pay", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "approved", paid.Status)
	require.Equal(t, int64(1050), paid.Amount)
	require.NotNil(t, paid.ApprovedAt)
	require.Equal(t, a.url+"/pay/"+first, paid.PayURL)

	status, problem := admin[map[string]string](a, "POST", "payments/"+first+"/expire", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, problem["error"], "approved")
	status, problem = admin[map[string]string](a, "POST", "payments/1/pay", "")
	require.Equal(t, http.StatusNotFound, status)
	require.NotEmpty(t, problem["error"])
	status, expired := admin[adminPayment](a, "POST", "payments/"+second+"/expire", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "expired", expired.StatusDetail)

	for query, want := range map[string][]string{
		"":                            {second, first},
		"?limit=1":                    {second},
		"?status=approved":            {first},
		"?external_reference=order-1": {first},
		"?external_reference=order-9": {},
	} {
		_, list := admin[[]adminPayment](a, "GET", "payments"+query, "")
		ids := []string{}
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		require.Equal(t, want, ids, query)
	}
	status, _ = admin[map[string]string](a, "GET", "payments?limit=x", "")
	require.Equal(t, http.StatusBadRequest, status)
}

func TestAdminLedger(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	id := a.charge(nil).id()
	a.charge(map[string]any{"external_reference": "order-2"})
	require.NoError(t, a.Pay(id))

	_, all := admin[[]Entry](a, "GET", "ledger", "")
	require.Equal(t, a.Ledger(), all)
	_, mine := admin[[]Entry](a, "GET", "ledger?external_reference=order-1", "")
	require.Len(t, mine, 2)
	_, rest := admin[[]Entry](a, "GET", "ledger?after=1&limit=1", "")
	require.Equal(t, a.Ledger()[1:2], rest)
	_, none := admin[[]Entry](a, "GET", "ledger?after=9", "")
	require.Empty(t, none)
	require.NotNil(t, none, "an empty list, not null")
	status, _ := admin[map[string]string](a, "GET", "ledger?after=-1", "")
	require.Equal(t, http.StatusBadRequest, status)
}

func TestAdminFaults(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	_, faults := admin[[]Fault](a, "POST", "faults", `{"on":"create","kind":"error","times":1,"delay":"2s"}`)
	require.Equal(t, []Fault{{On: Create, Kind: KindError, Times: 1, Delay: 2 * time.Second}}, faults)
	_, faults = admin[[]Fault](a, "POST", "faults", ` [{"on":"get","kind":"reset"},{"on":"webhook","kind":"lost"}]`)
	require.Len(t, faults, 3)

	for _, wrong := range []string{``, `{`, `{"on":"create","kind":"lost"}`, `{"on":"create","kind":"error","tims":1}`, `[{"on":"get","kind":"reset"},{}]`} {
		status, problem := admin[map[string]string](a, "POST", "faults", wrong)
		require.Equal(t, http.StatusBadRequest, status, wrong)
		require.NotEmpty(t, problem["error"])
	}
	require.Len(t, a.Faults(), 3)

	status, _ := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, http.StatusInternalServerError, status)
	_, faults = admin[[]Fault](a, "GET", "faults", "")
	require.Equal(t, 1, faults[0].Used)
	_, requests := admin[[]Request](a, "GET", "requests", "")
	require.Equal(t, KindError, requests[0].Fault)

	a.AddFault(Fault{On: Webhook, Kind: KindLost, ExternalReference: "one"})
	a.AddFault(Fault{On: Webhook, Kind: KindLost, ExternalReference: "another"})
	status, _ = admin[any](a, "DELETE", "faults?external_reference=one", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Len(t, a.Faults(), 4)
	require.Equal(t, "another", a.Faults()[3].ExternalReference)

	status, _ = admin[any](a, "DELETE", "faults", "")
	require.Equal(t, http.StatusNoContent, status)
	require.Empty(t, a.Faults())
}

func TestAdminRedeliver(t *testing.T) {
	t.Parallel()
	r := receive(t)
	a := open(t, Config{DefaultNotificationURL: r.url})
	a.AddFault(Fault{On: Webhook, Kind: KindLost, Times: 1})
	id := a.charge(nil).id()
	require.NoError(t, a.Pay(id))
	require.Equal(t, actionUpdated, r.next().body.Action)
	r.none(a, 2)

	_, attempts := admin[[]WebhookAttempt](a, "GET", "webhooks?payment_id="+id, "")
	require.Len(t, attempts, 2)
	require.True(t, attempts[0].Suppressed)
	status, _ := admin[any](a, "POST", "webhooks/"+strconv.Itoa(attempts[0].Number)+"/redeliver", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, actionCreated, r.next().body.Action, "what was lost can be found again")
	r.none(a, 3)

	status, _ = admin[any](a, "POST", "webhooks/"+strconv.Itoa(attempts[1].Number)+"/redeliver?count=3", "")
	require.Equal(t, http.StatusOK, status)
	for range 3 {
		again := r.next()
		require.Equal(t, attempts[1].NotificationID, again.body.ID)
	}
	r.none(a, 6)
	_, _ = admin[any](a, "POST", "webhooks/"+id+"/redeliver", "")
	require.Equal(t, id, r.next().body.Data.ID)

	for path, want := range map[string]int{"999/redeliver": 404, "1/redeliver?count=x": 400, "1/redeliver?count=1001": 400} {
		status, problem := admin[map[string]string](a, "POST", "webhooks/"+path, "")
		require.Equal(t, want, status, path)
		require.NotEmpty(t, problem["error"])
	}
}

func TestRedeliveryNeedsAURL(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	status, problem := admin[map[string]string](a, "POST", "webhooks/"+a.charge(nil).id()+"/redeliver", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, problem["error"], "notification_url")
}

func TestRingKeepsTheLast(t *testing.T) {
	t.Parallel()
	r := newRing[int](3)
	require.Equal(t, []int{}, r.all())
	for range 5 {
		r.add(func(number int) int { return number })
	}
	require.Equal(t, []int{3, 4, 5}, r.all())
}
