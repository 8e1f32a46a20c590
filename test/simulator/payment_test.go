package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestPixIsCreatedPending(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.charge(map[string]any{"metadata": map[string]any{"order": "7"}, "notification_url": "http://127.0.0.1:1/hook"})

	require.Regexp(t, `^\d{11,12}$`, p.id())
	require.Equal(t, "pending", p["status"])
	require.Equal(t, "pending_waiting_transfer", p["status_detail"])
	require.Equal(t, 10.5, p["transaction_amount"])
	require.Equal(t, "BRL", p["currency_id"])
	require.Equal(t, "order-1", p["external_reference"])
	require.Equal(t, "7", p.at("metadata.order"))
	require.Equal(t, true, p["captured"])
	require.IsType(t, "", p.at("payer.id"))
	require.Equal(t, 0.0, p.at("transaction_details.net_received_amount"))
	require.Equal(t, map[string]any{}, p["card"])
	for _, null := range []string{"date_approved", "money_release_date", "sponsor_id", "authorization_code", "statement_descriptor"} {
		require.Contains(t, p, null)
		require.Nil(t, p[null], null)
	}
	require.Regexp(t, `-04:00$`, p["date_created"])
	require.Regexp(t, `-03:00$`, p["date_of_expiration"])
	require.WithinDuration(t, time.Now().Add(24*time.Hour), p.date(t, "date_of_expiration"), time.Minute)
	require.Equal(t, a.url+"/pay/"+p.id(), p.at("point_of_interaction.transaction_data.ticket_url"))

	require.Equal(t, p, a.get(p.id()), "a read says the same as the create")
}

func TestLinksFollowThePublicURL(t *testing.T) {
	t.Parallel()
	p := open(t, Config{PublicURL: "http://simulator.local/"}).charge(nil)
	require.Equal(t, "http://simulator.local/pay/"+p.id(), p.at("point_of_interaction.transaction_data.ticket_url"))
}

func TestPaidPixHasFeeAndNet(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	created := a.charge(map[string]any{"transaction_amount": 123.45})
	require.NoError(t, a.Pay(created.id()))

	p := a.get(created.id())
	require.Equal(t, "approved", p["status"])
	require.Equal(t, "accredited", p["status_detail"])
	require.NotNil(t, p["date_approved"])
	require.Regexp(t, `^PIXE18236120[0-9]{23}$`, p.at("point_of_interaction.transaction_data.transaction_id"))
	require.Equal(t, p.at("point_of_interaction.transaction_data.transaction_id"), p.at("transaction_details.transaction_id"))
	require.Nil(t, p.at("point_of_interaction.transaction_data.e2e_id"))
	require.Equal(t, "released", p["money_release_status"])
	require.Equal(t, 122.23, p.at("transaction_details.net_received_amount"), "0.99 % of 123.45 is 1.22")
	require.Equal(t, map[string]any{"type": "mercadopago_fee", "fee_payer": "collector", "amount": 1.22}, p.at("fee_details.0"))
	require.True(t, p.date(t, "date_last_updated").After(created.date(t, "date_last_updated")))

	require.ErrorContains(t, a.Pay(created.id()), "approved (accredited)")
	require.ErrorContains(t, a.Expire(created.id()), "approved (accredited)")
	require.ErrorIs(t, a.Pay("106400160592"), errUnknownPayment)
}

func TestExpiredPixCannotBePaid(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.charge(nil)
	require.NoError(t, a.Expire(p.id()))
	require.Equal(t, "expired", a.get(p.id())["status_detail"])
	require.ErrorContains(t, a.Pay(p.id()), "cancelled (expired)")
}

// The clock here is synctest's, so half an hour passes at once.
func TestPixExpiresByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		create := func(minutes int) string {
			date := time.Now().Add(time.Duration(minutes) * time.Minute).In(brasilia).Format("2006-01-02T15:04:05.000-07:00")
			body, err := json.Marshal(pix(map[string]any{"date_of_expiration": date}))
			require.NoError(t, err)
			req := httptest.NewRequest("POST", "/v1/payments", bytes.NewReader(body))
			req.Header.Set("Authorization", "Bearer any")
			req.Header.Set("X-Idempotency-Key", uuid.NewString())
			res := httptest.NewRecorder()
			s.ServeHTTP(res, req)
			var p object
			require.NoError(t, json.Unmarshal(res.Body.Bytes(), &p))
			return p.id()
		}
		late, early, paid := create(40), create(30), create(30)
		require.NoError(t, s.Pay(paid))

		time.Sleep(30*time.Minute - time.Second)
		require.Len(t, s.Ledger(), 4, "nothing has expired yet")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		entries := s.Ledger()
		require.Len(t, entries, 5)
		require.Equal(t, early, entries[4].PaymentID)
		require.Equal(t, "expired", entries[4].StatusDetail)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, late, s.Ledger()[5].PaymentID)
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.charge(nil)
	path := "/v1/payments/" + p.id()

	status, cancelled := a.call("PUT", path, "k", map[string]any{"status": "cancelled"})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "cancelled", cancelled["status"])
	require.Equal(t, "by_collector", cancelled["status_detail"])

	status, refused := a.call("PUT", path, "k", map[string]any{"status": "cancelled"})
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, 2018.0, refused.at("cause.0.code"))

	paid := a.charge(nil)
	require.NoError(t, a.Pay(paid.id()))
	status, refused = a.call("PUT", "/v1/payments/"+paid.id(), "k", map[string]any{"status": "cancelled"})
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, 2018.0, refused.at("cause.0.code"))

	status, refused = a.call("PUT", "/v1/payments/1", "k", map[string]any{"status": "cancelled"})
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, 2000.0, refused.at("cause.0.code"))

	status, _ = a.call("PUT", path, "k", map[string]any{"status": "approved"})
	require.Equal(t, http.StatusBadRequest, status)
}

// Every move gets a later date_last_updated, even within the same millisecond.
func TestUpdateDatesGrow(t *testing.T) {
	t.Parallel()
	b := newBook()
	now := time.Now().Truncate(time.Millisecond)
	b.claim("k", nil)
	p := b.create(payment{key: "k", status: "pending", created: now, expires: now.Add(time.Hour)})
	moved, err := b.pay(p.id, now)
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Millisecond), moved.updated)

	other := b.create(payment{key: "k", status: "pending", created: now, expires: now.Add(time.Hour)})
	_, err = b.pay(other.id, other.expires)
	require.ErrorContains(t, err, "expired", "due, although the sweep has not run yet")
}
