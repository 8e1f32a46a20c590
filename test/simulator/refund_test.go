package simulator

import (
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// paid is a payment of 10.50 that the buyer has paid.
func (a account) paid() object {
	a.t.Helper()
	p := a.charge(nil)
	require.NoError(a.t, a.Pay(p.id()))
	return p
}

// refund asks for a refund; a nil amount is all that is left.
func (a account) refund(id, key string, amount any) (int, object) {
	a.t.Helper()
	body := map[string]any{}
	if amount != nil {
		body["amount"] = amount
	}
	return a.call("POST", "/v1/payments/"+id+"/refunds", key, body)
}

func TestRefundsAddUpToThePayment(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.paid()

	status, part := a.refund(p.id(), "k1", 3.25)
	require.Equal(t, http.StatusCreated, status, "%v", part)
	require.Equal(t, 3.25, part["amount"])
	require.Equal(t, "approved", part["status"])
	got := a.get(p.id())
	require.Equal(t, []any{"approved", "partially_refunded", 3.25}, []any{got["status"], got["status_detail"], got["transaction_amount_refunded"]})
	require.Len(t, got["refunds"], 1)

	status, again := a.refund(p.id(), "k1", 3.25)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, part, again)
	status, taken := a.refund(p.id(), "k1", 4)
	require.Equal(t, []any{http.StatusConflict, "idempotency_key_already_used"}, []any{status, taken.at("cause.0.code")})
	for _, wrong := range []any{7.26, 0, -1, "x", 1.001} {
		status, refused := a.refund(p.id(), uuid.NewString(), wrong)
		require.Equal(t, []any{http.StatusBadRequest, 2017.0}, []any{status, refused.at("cause.0.code")}, wrong)
	}

	status, rest := a.refund(p.id(), "k2", nil)
	require.Equal(t, []any{http.StatusCreated, 7.25}, []any{status, rest["amount"]})
	got = a.get(p.id())
	require.Equal(t, []any{"refunded", "refunded", 10.5}, []any{got["status"], got["status_detail"], got["transaction_amount_refunded"]})
	status, refused := a.refund(p.id(), "k3", 1)
	require.Equal(t, []any{http.StatusBadRequest, 2063.0}, []any{status, refused.at("cause.0.code")})

	entries := a.Ledger()
	require.Len(t, entries, 4)
	require.Equal(t, &Refunded{part.id(), "k1", 325, "approved"}, entries[2].Refund)
	require.Equal(t, []any{Refund, int64(1050), "refunded"}, []any{entries[3].Kind, entries[3].Refunded, entries[3].Status})
}

func TestARefundNeedsAKeyAndAnApprovedPayment(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	pending := a.charge(nil)
	status, refused := a.refund(pending.id(), "", nil)
	require.Equal(t, []any{http.StatusBadRequest, 4292.0}, []any{status, refused.at("cause.0.code")})
	status, refused = a.refund(pending.id(), "k", nil)
	require.Equal(t, []any{http.StatusBadRequest, 2063.0}, []any{status, refused.at("cause.0.code")})
	status, _ = a.refund("106400160592", "k", nil)
	require.Equal(t, http.StatusNotFound, status)
	require.NoError(t, a.Pay(pending.id()))
	status, _ = a.refund(pending.id(), "k", nil)
	require.Equal(t, http.StatusCreated, status, "a refused refund does not use up its key")
}

// Without the header, a refund in process looks refused, and is in no list.
func TestARefundInProcess(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.paid()
	a.AddFault(Fault{On: CreateRefund, Kind: KindInProcess, Times: 1})
	status, _ := a.refund(p.id(), "k", 5)
	require.Equal(t, http.StatusBadRequest, status)
	require.Empty(t, a.get(p.id())["refunds"])

	seen := func(method, path string) (int, object) {
		req := a.request(method, path, "k", map[string]any{"amount": 5})
		req.Header.Set(renderInProcess, "true")
		return a.send(req)
	}
	status, r := seen("POST", "/v1/payments/"+p.id()+"/refunds")
	require.Equal(t, []any{http.StatusCreated, "in_process"}, []any{status, r["status"]})
	_, now := seen("GET", "/v1/payments/"+p.id()+"/refunds/"+r.id())
	require.Equal(t, "in_process", now["status"])
	require.Equal(t, 0.0, a.get(p.id())["transaction_amount_refunded"])
	status, refused := a.refund(p.id(), "k2", 6)
	require.Equal(t, []any{http.StatusBadRequest, 2017.0}, []any{status, refused.at("cause.0.code")}, "what is in process counts")

	require.NoError(t, a.SettleRefund(p.id(), r.id(), refundApproved))
	require.Error(t, a.SettleRefund(p.id(), r.id(), refundApproved))
	require.Equal(t, 5.0, a.get(p.id())["transaction_amount_refunded"])
	require.NoError(t, a.SettleRefund(p.id(), r.id(), refundRejected), "one that was believed may fail later")
	got := a.get(p.id())
	require.Equal(t, []any{"accredited", 0.0}, []any{got["status_detail"], got["transaction_amount_refunded"]})
	require.Error(t, a.SettleRefund(p.id(), r.id(), refundApproved))
	require.ErrorIs(t, a.SettleRefund(p.id(), "1", refundApproved), errUnknownRefund)
}

func TestARefundInThePanelOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	a := reopen(t, path)
	p := a.paid()
	_, part := a.refund(p.id(), "k", 4)
	panel, err := a.RefundInPanel(p.id(), 100)
	require.NoError(t, err)
	a.Close()

	b := reopen(t, path)
	require.Equal(t, a.Ledger(), b.Ledger())
	status, again := b.refund(p.id(), "k", 4)
	require.Equal(t, []any{http.StatusCreated, part.id()}, []any{status, again.id()})
	_, r := b.call("GET", "/v1/payments/"+p.id()+"/refunds/"+panel, "", nil)
	require.Equal(t, 1.0, r["amount"])
}

// The clock here is synctest's, so 180 days pass at once.
func TestARefundComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		s.book.claim("k", nil)
		p := s.book.create(payment{key: "k", amount: 1000, status: "pending", created: time.Now(), expires: time.Now().Add(time.Hour)})
		require.NoError(t, s.Pay(p.id))
		time.Sleep(180 * 24 * time.Hour)
		_, err := s.RefundInPanel(p.id, 1)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = s.RefundInPanel(p.id, 1)
		require.ErrorIs(t, err, errRefundTooOld)
	})
}
