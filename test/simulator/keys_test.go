package simulator

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeyIsRequired(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	status, refused := a.call("POST", "/v1/payments", "", pix(nil))
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, 4292.0, refused.at("cause.0.code"))
}

func TestSameKeySameBodyIsOneCharge(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	_, first := a.call("POST", "/v1/payments", "k", pix(nil))
	status, again := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, first, again)

	require.NoError(t, a.Pay(first.id()))
	_, now := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, "approved", now["status"], "a repeat answers the payment as it is now")
	require.Len(t, a.Ledger(), 2)
}

func TestSameKeyOtherBodyIsRefused(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	a.call("POST", "/v1/payments", "k", pix(nil))
	status, refused := a.call("POST", "/v1/payments", "k", pix(map[string]any{"transaction_amount": 11}))
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "idempotency_key_already_used", refused.at("cause.0.code"))
	require.Len(t, a.Ledger(), 1)
}

func TestRefusedRequestDoesNotSpendItsKey(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	status, _ := a.call("POST", "/v1/payments", "k", pix(map[string]any{"transaction_amount": 0}))
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, http.StatusCreated, status)
}

func TestForgottenKeyChargesAgain(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	_, first := a.call("POST", "/v1/payments", "k", pix(nil))
	a.AddFault(Fault{On: Create, Kind: KindForgottenKey, Delay: time.Hour, Times: 1})
	_, young := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, first.id(), young.id())

	a.AddFault(Fault{On: Create, Kind: KindForgottenKey})
	status, second := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, http.StatusCreated, status)
	require.NotEqual(t, first.id(), second.id())
	require.Len(t, a.Ledger(), 2)
}

func TestSameKeyWhileRunningIsRefused(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	a.AddFault(Fault{On: Create, Kind: KindSlow, Delay: time.Hour, Times: 1})
	first := make(chan int)
	go func() {
		res, err := a.client.Do(a.request("POST", "/v1/payments", "k", pix(nil)))
		if err != nil {
			first <- 0
			return
		}
		_ = res.Body.Close()
		first <- res.StatusCode
	}()
	require.Eventually(t, func() bool {
		a.book.mu.RLock()
		defer a.book.mu.RUnlock()
		return a.book.keys["k"] != nil
	}, 10*time.Second, time.Millisecond, "the first request has its key")
	status, refused := a.call("POST", "/v1/payments", "k", pix(nil))
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, 401001.0, refused.at("cause.0.code"))
	require.Empty(t, a.Ledger())

	a.Close() // ends the wait
	require.Equal(t, http.StatusCreated, <-first)
	require.Len(t, a.Ledger(), 1)
}

func TestManyAtOnceWithOneKeyAreOneCharge(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	var all sync.WaitGroup
	ids := make([]string, 50)
	for i := range ids {
		req := a.request("POST", "/v1/payments", "k", pix(nil))
		all.Go(func() {
			res, err := a.client.Do(req)
			if err != nil {
				return
			}
			defer res.Body.Close()
			var p object
			if res.StatusCode == http.StatusCreated && json.NewDecoder(res.Body).Decode(&p) == nil {
				ids[i] = p.id()
			} else if res.StatusCode == http.StatusConflict {
				ids[i] = "running"
			}
		})
	}
	all.Wait()

	entries := a.Ledger()
	require.Len(t, entries, 1)
	require.Contains(t, ids, entries[0].PaymentID)
	for _, id := range ids {
		require.Contains(t, []string{entries[0].PaymentID, "running"}, id)
	}
}
