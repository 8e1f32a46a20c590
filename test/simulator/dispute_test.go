package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/mercadopago"
)

// dispute is the next notification that is not about a payment, as our own code reads it.
func (r receiver) dispute(secret string) mercadopago.Notification {
	r.t.Helper()
	for {
		h := r.next()
		if h.query.Get("type") == "payment" {
			continue
		}
		verifier, err := mercadopago.NewVerifier([]string{secret}, 0)
		require.NoError(r.t, err)
		signed, err := verifier.Verify(h.query, h.header, time.Now())
		require.NoError(r.t, err)
		n, err := mercadopago.ParseNotification(signed, h.query, h.query.Encode(), h.header, h.raw, time.Now())
		require.NoError(r.t, err)
		require.False(r.t, n.Suspicious)
		return n
	}
}

func TestAChargebackFromItsOpeningToItsEnd(t *testing.T) {
	t.Parallel()
	const secret = "a secret"
	r := receive(t)
	a := open(t, Config{WebhookSecret: secret})
	for won, detail := range map[bool]string{true: "reimbursed", false: "settled"} {
		id := a.charge(map[string]any{"notification_url": r.url}).id()
		_, err := a.OpenChargeback(id)
		require.ErrorContains(t, err, "pending", "it is not paid")
		require.NoError(t, a.Pay(id))
		chargeback, err := a.OpenChargeback(id)
		require.NoError(t, err)
		require.Len(t, chargeback, 18)
		require.Equal(t, "charged_back", a.get(id)["status"])
		require.Equal(t, "in_process", a.get(id)["status_detail"])

		n := r.dispute(secret)
		require.Equal(t, "topic_chargebacks_wh", n.Topic)
		require.Equal(t, "changed_case_status", n.Action)
		require.Equal(t, chargeback, n.ResourceID)
		require.Equal(t, id, n.ProviderPaymentID())
		var body struct{ Data map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal(n.Body, &body))
		require.Equal(t, chargeback, string(body.Data["id"]), "the ids are numbers")

		status, read := a.call(http.MethodGet, "/v1/chargebacks/"+chargeback, "", nil)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "pending", read["documentation_status"])
		require.Nil(t, read["coverage_applied"])

		require.NoError(t, a.DecideChargeback(chargeback, won))
		require.Equal(t, chargeback, r.dispute(secret).ResourceID)
		require.Equal(t, detail, a.get(id)["status_detail"])
		status, found := a.call(http.MethodGet, "/v1/chargebacks/search?"+url.Values{"payment_id": {id}}.Encode(), "", nil)
		require.Equal(t, http.StatusOK, status)
		require.Len(t, found["results"], 1)
		require.Equal(t, won, found["results"].([]any)[0].(map[string]any)["coverage_applied"])
	}
	status, _ := a.call(http.MethodGet, "/v1/chargebacks/1", "", nil)
	require.Equal(t, http.StatusNotFound, status)
	require.ErrorIs(t, a.DecideChargeback("1", true), errUnknownDispute)
}

func TestAClaimFromItsOpeningToItsEnd(t *testing.T) {
	t.Parallel()
	const secret = "a secret"
	r := receive(t)
	a := open(t, Config{WebhookSecret: secret})
	for won, status := range map[bool]string{true: "approved", false: "refunded"} {
		id := a.charge(map[string]any{"notification_url": r.url}).id()
		require.NoError(t, a.Pay(id))
		claim, err := a.OpenClaim(id)
		require.NoError(t, err)
		n := r.dispute(secret)
		require.Equal(t, "topic_claims_integration_wh", n.Topic)
		require.Equal(t, claim, n.ResourceID)
		require.Empty(t, n.ProviderPaymentID())
		require.Equal(t, "approved", a.get(id)["status"])
		require.NoError(t, a.MediateClaim(claim))
		require.Equal(t, "in_mediation", a.get(id)["status"])
		require.NoError(t, a.CloseClaim(claim, won))
		require.ErrorIs(t, a.CloseClaim(claim, won), errClosedClaim)
		require.Equal(t, status, a.get(id)["status"])
		_, read := a.call(http.MethodGet, "/post-purchase/v1/claims/"+claim, "", nil)
		require.Equal(t, "closed", read["status"])
		_, found := a.call(http.MethodGet, "/post-purchase/v1/claims/search?resource=payment&resource_id="+id, "", nil)
		require.Len(t, found["results"], 1)
		r.dispute(secret)
		r.dispute(secret)
	}
}

// A fraud alert has no id to sign, and is lost when it is not taken.
func TestAFraudAlertIsSentOnce(t *testing.T) {
	t.Parallel()
	const secret = "a secret"
	r := receive(t, http.StatusOK, http.StatusInternalServerError)
	a := open(t, Config{WebhookSecret: secret, TimeScale: 1e9})
	id := a.charge(map[string]any{"notification_url": r.url}).id()
	r.next()
	require.NoError(t, a.AlertFraud(id))
	n := r.dispute(secret)
	require.Equal(t, "stop_delivery_op_wh", n.Topic)
	require.Empty(t, n.ResourceID)
	require.Equal(t, id, n.ProviderPaymentID())
	r.none(a, 2)
	require.Error(t, a.AlertFraud("1"))
}

// What a dispute withholds and takes is in the books, and a simulator that starts anew knows the dispute.
func TestADisputeIsInTheBooksAndTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "simulator")
	s, err := Open(Config{AccessToken: token}, path)
	require.NoError(t, err)
	a := serve(t, s)
	id := a.charge(nil).id()
	require.NoError(t, a.Pay(id))
	net := a.Books().Net
	chargeback, err := a.OpenChargeback(id)
	require.NoError(t, err)
	require.Equal(t, net, a.Books().Held)
	require.NoError(t, a.DecideChargeback(chargeback, false))
	require.Equal(t, net, a.Books().Lost)
	require.Zero(t, a.Books().Held)
	before := a.Disputes()
	require.Len(t, before, 1)
	s.Close()

	again, err := Open(Config{AccessToken: token}, path)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	require.Equal(t, before, again.Disputes())
	require.Equal(t, net, again.Books().Lost)
}
