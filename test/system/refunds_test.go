package system

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// refund is what a client app reads of a refund.
type refund struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Amount  int64  `json:"amount"`
	Origin  string `json:"origin"`
	Failure struct {
		Code string `json:"code"`
	} `json:"failure"`
}

// ask posts to a path below the payment.
func ask(t *testing.T, id, path, key, body string) platform.Answer {
	t.Helper()
	shop := shared.Shops[0]
	answer, err := platform.Send(within(t), shop.HTTP, http.MethodPost, shop.URL+"/v1/payments/"+id+path, body,
		"Authorization", "Bearer "+shop.Key, "Idempotency-Key", key, "Content-Type", "application/json")
	require.NoError(t, err)
	return answer
}

// paid is a payment of 1050 centavos that the buyer has paid, and Mercado Pago's id of it.
func paid(t *testing.T) (id, providerID string) {
	t.Helper()
	k, id := key(t)
	create(t, k)
	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Pay(within(t), ledger[0].PaymentID))
	_, err = shared.Shops[0].Await(within(t), id, "approved")
	require.NoError(t, err)
	return id, ledger[0].PaymentID
}

// given is what Mercado Pago has given back: the sum, and how many refunds it has made.
func given(t *testing.T, id string) (sum int64, refunds int) {
	t.Helper()
	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, e := range ledger {
		if e.Refund != nil {
			sum, seen[e.Refund.ID] = e.Refunded, true
		}
	}
	return sum, len(seen)
}

func refunds(t *testing.T, id string) []refund {
	t.Helper()
	var list struct{ Data []refund }
	require.NoError(t, shared.Shops[0].Read(within(t), "/v1/payments/"+id+"/refunds", &list))
	return list.Data
}

// accounts are the balances of a payment's accounts in the ledger. What is pending becomes available at any time.
func accounts(t *testing.T, id string) map[string]int64 {
	t.Helper()
	var list struct {
		Data []struct {
			Account string `json:"account"`
			Amount  int64  `json:"amount"`
		} `json:"data"`
	}
	require.NoError(t, shared.Shops[0].Read(within(t), "/v1/payments/"+id+"/ledger", &list))
	all := map[string]int64{}
	for _, e := range list.Data {
		account := e.Account
		if account == "pending" || account == "available" {
			account = "at Mercado Pago"
		}
		all[account] += e.Amount
	}
	return all
}

// One request is sent by many at once while Mercado Pago's answer is lost: it gives the money back once.
func TestARefundIsMadeOnceForManyEqualRequests(t *testing.T) {
	t.Parallel()
	id, _ := paid(t)
	require.NoError(t, shared.Provider.Arm(within(t), simulator.Fault{
		On: simulator.CreateRefund, Kind: simulator.KindLostAnswer, Times: 1, ExternalReference: id,
	}))
	var group errgroup.Group
	for range 50 {
		group.Go(func() error {
			answer := ask(t, id, "/refunds", "return-1", `{"amount": 400, "reason": "one item came back"}`)
			if answer.Status != http.StatusCreated && answer.Status != http.StatusAccepted {
				return fmt.Errorf("%d: %s", answer.Status, answer.Body)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	eventually(t, func() bool { return refunds(t, id)[0].Status == "succeeded" }, "the refund succeeds")
	sum, n := given(t, id)
	require.Equal(t, []any{int64(400), 1}, []any{sum, n})
	require.Len(t, refunds(t, id), 1)

	require.Equal(t, http.StatusUnprocessableEntity, ask(t, id, "/refunds", "return-1", `{"amount": 401}`).Status, "the key was used")
	require.Equal(t, http.StatusUnprocessableEntity, ask(t, id, "/refunds", "return-2", `{"amount": 651}`).Status, "more than is left")
	for _, body := range []string{`{}`, `{"amount": 0}`, `{"all": false}`, `{"amount": 1, "all": true}`} {
		require.Equal(t, http.StatusUnprocessableEntity, ask(t, id, "/refunds", "return-3", body).Status, body)
	}
	require.Equal(t, http.StatusCreated, ask(t, id, "/refunds", "return-4", `{"all": true}`).Status)
	_, err := shared.Shops[0].Await(within(t), id, "refunded")
	require.NoError(t, err)
	require.Equal(t, http.StatusConflict, ask(t, id, "/refunds", "return-5", `{"amount": 1}`).Status)
	require.Equal(t, map[string]int64{"at Mercado Pago": -10, "fees": 10, "payable": -1050, "refunds": 1050}, accounts(t, id), "the fee stays paid")
	sum, n = given(t, id)
	require.Equal(t, []any{int64(1050), 2}, []any{sum, n})
}

func TestTwoRefundsAtOnceNeverGiveBackTooMuch(t *testing.T) {
	t.Parallel()
	id, _ := paid(t)
	statuses := make([]int, 2)
	var group errgroup.Group
	for i := range statuses {
		group.Go(func() error {
			statuses[i] = ask(t, id, "/refunds", fmt.Sprint("return-", i), `{"amount": 700}`).Status
			return nil
		})
	}
	require.NoError(t, group.Wait())
	require.ElementsMatch(t, []int{http.StatusCreated, http.StatusUnprocessableEntity}, statuses)
	sum, n := given(t, id)
	require.Equal(t, []any{int64(700), 1}, []any{sum, n})
}

func TestARefundInProcessAndOneThatMercadoPagoRefuses(t *testing.T) {
	t.Parallel()
	id, providerID := paid(t)
	require.NoError(t, shared.Provider.Arm(within(t),
		simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindInProcess, Times: 1, ExternalReference: id},
		simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 2031, ExternalReference: id},
	))
	require.Equal(t, http.StatusAccepted, ask(t, id, "/refunds", "slow", `{"amount": 400}`).Status)
	require.Equal(t, http.StatusCreated, ask(t, id, "/refunds", "poor", `{"amount": 100}`).Status)
	list := refunds(t, id)
	require.Equal(t, []string{"pending", "failed", "insufficient_balance"}, []string{list[0].Status, list[1].Status, list[1].Failure.Code})

	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.SettleRefund(within(t), providerID, ledger[len(ledger)-1].Refund.ID, "approved"))
	eventually(t, func() bool { return refunds(t, id)[0].Status == "succeeded" }, "the webhook brings the news")
	require.NoError(t, shared.Provider.Refund(within(t), providerID, 50))
	eventually(t, func() bool { return len(refunds(t, id)) == 3 }, "a refund of the panel is seen")
	require.Equal(t, "provider", refunds(t, id)[2].Origin)
}

func TestAClientCancelsAPayment(t *testing.T) {
	t.Parallel()
	k, id := key(t)
	create(t, k)
	answer := ask(t, id, "/cancel", "", `{"on_paid": "refund"}`)
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	_, err := shared.Shops[0].Await(within(t), id, "cancelled")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(t, id, "/cancel", "", `{"on_paid": "keep"}`).Status, "again")
	require.Equal(t, http.StatusUnprocessableEntity, ask(t, id, "/cancel", "", `{}`).Status)
}

func TestABuyerWhoPaysWhileThePaymentIsCancelled(t *testing.T) {
	t.Parallel()
	k, id := key(t)
	create(t, k)
	require.NoError(t, shared.Provider.Arm(within(t), simulator.Fault{On: simulator.Update, Kind: simulator.KindPaidMeanwhile, Times: 1, ExternalReference: id}))
	require.Equal(t, http.StatusOK, ask(t, id, "/cancel", "", `{"on_paid": "refund"}`).Status)
	_, err := shared.Shops[0].Await(within(t), id, "refunded")
	require.NoError(t, err)
	sum, n := given(t, id)
	require.Equal(t, []any{int64(1050), 1}, []any{sum, n})
}

func TestMoneyThatComesTooLateGoesBack(t *testing.T) {
	t.Parallel()
	shop := shared.Shops[0]
	k, id := key(t)
	answer, err := platform.Send(within(t), shop.HTTP, http.MethodPost, shop.URL+"/v1/payments",
		`{"amount": 1050, "currency": "BRL", "method": {"type": "pix"}, "payer": {"email": "ana@example.com"}, "late_payment": "refund"}`,
		"Authorization", "Bearer "+shop.Key, "Idempotency-Key", k, "Content-Type", "application/json")
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, answer.Status, "%s", answer.Body)
	ledger, err := shared.Provider.Ledger(within(t), id)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Expire(within(t), ledger[0].PaymentID))
	_, err = shop.Await(within(t), id, "expired")
	require.NoError(t, err)
	require.NoError(t, shared.Provider.PayLate(within(t), ledger[0].PaymentID))
	_, err = shop.Await(within(t), id, "refunded")
	require.NoError(t, err)
	sum, n := given(t, id)
	require.Equal(t, []any{int64(1050), 1}, []any{sum, n})
}
