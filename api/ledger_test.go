package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

func TestTheLedgerOfAPaymentIsListed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p := decode[Payment](t, f.create(t, "k", goodBody))
	at := time.Date(2026, 11, 23, 19, 33, 1, 225101000, time.UTC)
	entry := func(posting int, cause payment.Cause, account payment.Account, amount, balance int64, refund string) payment.LedgerEntry {
		return payment.LedgerEntry{Posting: posting, Cause: cause, RefundID: refund, Account: account, Amount: amount, Balance: balance, Currency: payment.BRL, At: at}
	}
	refund := payment.RefundID(p.ID, "k")
	f.database.ledger = []payment.LedgerEntry{
		entry(1, payment.CauseCharge, payment.AccountFees, 10, 10, ""), entry(1, payment.CauseCharge, payment.AccountPending, 1040, 1040, ""),
		entry(1, payment.CauseCharge, payment.AccountPayable, -1050, -1050, ""),
		entry(2, payment.CauseRefund, payment.AccountRefunds, 300, 300, refund), entry(2, payment.CauseRefund, payment.AccountPending, -300, 740, refund),
	}
	golden(t, "ledger", f.get(t, "/v1/payments/"+p.ID+"/ledger"))
	f.database.ledger = nil
	w := f.get(t, "/v1/payments/"+p.ID+"/ledger")
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"data": []}`, w.Body.String())
	require.Equal(t, http.StatusNotFound, f.get(t, "/v1/payments/"+payment.NewID("rival", "k")+"/ledger").Code)
}

func TestTheBalanceIsTheClientAppsOwn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.database.balances = map[string]payment.Balance{
		"shop": {Pending: 1040, Available: -10, Currency: payment.BRL}, "rival": {Pending: 7, Currency: payment.BRL},
	}
	golden(t, "balance", f.get(t, "/v1/balance"))
	require.Equal(t, http.StatusBadRequest, f.get(t, "/v1/balance?client_id=rival").Code)
	f.database.unavailable = errUnavailable
	require.Equal(t, http.StatusServiceUnavailable, f.get(t, "/v1/balance").Code)
}
