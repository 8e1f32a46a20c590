package simulator

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// challenged makes a payment whose bank asks for a challenge.
func (a account) challenged(changes map[string]any) object {
	a.t.Helper()
	status, token := a.call("POST", "/v1/card_tokens", "", map[string]any{"card_number": ChallengeCard, "cardholder": map[string]any{"name": "APRO"}})
	require.Equal(a.t, http.StatusCreated, status)
	body := pix(map[string]any{"payment_method_id": "master", "installments": 1, "token": token["id"], "three_d_secure_mode": "optional"})
	for name, value := range changes {
		body[name] = value
	}
	status, p := a.call("POST", "/v1/payments", uuid.NewString(), body)
	require.Equal(a.t, http.StatusCreated, status, "%v", p)
	return p
}

// post sends a form, as the page's own form does.
func (a account) post(address string, form url.Values) (int, string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(a.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := a.client.Do(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	return res.StatusCode, string(body)
}

// The buyer passes or fails on the bank's page, which then says that it has ended, and not how. A webhook tells the shop.
func TestAChallengeIsPassedOrFailed(t *testing.T) {
	t.Parallel()
	for button, want := range map[string][2]string{"pass": {"approved", "accredited"}, "fail": {"rejected", "cc_rejected_3ds_challenge"}} {
		hooks := receive(t)
		a := open(t, Config{})
		p := a.challenged(map[string]any{"notification_url": hooks.url})
		require.Equal(t, []any{"pending", "pending_challenge"}, []any{p["status"], p["status_detail"]})
		require.Equal(t, "payment.created", hooks.next().body.Action)
		address, _ := p.at("three_dsinfo.external_resource_url").(string)
		creq := url.Values{"creq": {p.at("three_dsinfo.creq").(string)}}

		status, _ := a.post(address, url.Values{"creq": {"another"}})
		require.Equal(t, http.StatusBadRequest, status)
		status, page := a.post(address, creq)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, page, `action="/3ds/`+p.id()+"/"+button+`"`)
		require.NotContains(t, page, "COMPLETE")
		require.Equal(t, "pending", a.get(p.id())["status"], "showing the page decides nothing")

		_, page = a.post(address+"/"+button, nil)
		require.Contains(t, page, `postMessage({status: "COMPLETE"}`)
		require.NotContains(t, page, "<form")
		require.Equal(t, "payment.updated", hooks.next().body.Action)
		p = a.get(p.id())
		require.Equal(t, want, [2]string{p["status"].(string), p["status_detail"].(string)})
		require.NotContains(t, p, "three_dsinfo")
		require.Error(t, a.PassChallenge(p.id()), "it is over")
	}
}

// What is only reserved stays so after the challenge, and ends five days after it was made.
func TestAChallengeBeforeAReservation(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	p := a.challenged(map[string]any{"capture": false})
	require.NoError(t, a.PassChallenge(p.id()))
	require.Equal(t, "authorized", a.get(p.id())["status"])
	require.NoError(t, a.Expire(p.id()))
	require.Equal(t, []any{"cancelled", "expired"}, []any{a.get(p.id())["status"], a.get(p.id())["status_detail"]})
}

// Without the wish, or with another card, the bank asks nothing. Nobody ends a challenge but the buyer or the seller.
func TestAChallengeIsNotAskedForUnwanted(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	require.Equal(t, "approved", a.challenged(map[string]any{"three_d_secure_mode": "not_supported"})["status"])

	p := a.challenged(nil)
	require.NoError(t, a.Age(p.id(), 31*24*time.Hour))
	require.Equal(t, "pending", a.get(p.id())["status"])
	status, p := a.call("PUT", "/v1/payments/"+p.id(), uuid.NewString(), map[string]any{"status": "cancelled"})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "by_collector", p["status_detail"])
}
