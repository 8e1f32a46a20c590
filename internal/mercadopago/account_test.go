package mercadopago

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/test/simulator"
)

// account is a client that expects something of the account of a simulator.
func account(t *testing.T, s simulator.Config, expect Config) (*simulator.Simulator, *Client) {
	t.Helper()
	s.AccessToken = "TEST-1"
	provider := simulator.New(s)
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	t.Cleanup(provider.Close)
	expect.BaseURL, expect.AccessToken, expect.Timeout = server.URL, "TEST-1", timeout
	c, err := New(expect)
	require.NoError(t, err)
	return provider, c
}

func TestTheAccountIsTheOneThatTheConfigurationMeans(t *testing.T) {
	t.Parallel()
	for name, example := range map[string]struct {
		account simulator.Config
		expect  Config
		refused string // part of why
	}{
		"none is expected":             {simulator.Config{CollectorID: 77}, Config{}, ""},
		"the one that is expected":     {simulator.Config{CollectorID: 77}, Config{CollectorID: "77"}, ""},
		"another one":                  {simulator.Config{CollectorID: 78}, Config{CollectorID: "77"}, "account 78, and MERCADOPAGO_COLLECTOR_ID expects 77"},
		"a live one is expected":       {simulator.Config{LiveMode: true}, Config{Live: true}, ""},
		"a test user, and we are live": {simulator.Config{CollectorID: 77}, Config{Live: true}, "test user 77, and ENVIRONMENT is live"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := account(t, example.account, example.expect)
			found, err := c.CheckAccount(t.Context())
			if example.refused == "" {
				require.NoError(t, err)
				require.Equal(t, "MLB", found.Site)
				require.Equal(t, !example.account.LiveMode, found.Test)
				return
			}
			require.Equal(t, failure.Conflict, failure.KindOf(err))
			require.ErrorContains(t, err, example.refused)
		})
	}
}

// The question needs no payment, so it separates a token that is refused everywhere from a refusal about one resource.
func TestATokenThatIsNotAcceptedIsUnauthorized(t *testing.T) {
	t.Parallel()
	s, c := account(t, simulator.Config{}, Config{})
	s.SetFaults([]simulator.Fault{{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusUnauthorized}})
	_, err := c.Account(t.Context())
	require.Equal(t, failure.Unauthorized, failure.KindOf(err))

	for _, body := range []string{"", "[]", "{}", `{"id": "x"}`, `{"id": 0}`} {
		_, err := clientOf(t, answering(http.StatusOK, body), timeout).Account(t.Context())
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
}

func TestAnswersAboutAnotherAccountAreForeign(t *testing.T) {
	t.Parallel()
	s, c := account(t, simulator.Config{CollectorID: 77}, Config{})
	p := somePayment("foreign")
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
	require.NoError(t, err)
	require.Empty(t, state.Foreign)
	s.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindOtherAccount})
	s.AddFault(simulator.Fault{On: simulator.Search, Kind: simulator.KindOtherAccount})

	got, err := c.Get(t.Context(), state.PaymentID)
	require.NoError(t, err)
	require.Empty(t, got.Foreign, "our own account is not known yet")
	_, err = c.Account(t.Context())
	require.NoError(t, err)

	const why = " belongs to the account 78, ours is 77"
	got, err = c.Get(t.Context(), state.PaymentID)
	require.NoError(t, err)
	require.Contains(t, got.Foreign, state.PaymentID+why)
	require.Equal(t, got.Foreign, got.Contradicts(p.ID, state.PaymentID, p.Amount))
	found, ok, err := c.FindByReference(t.Context(), p.ID)
	require.NoError(t, err)
	require.True(t, ok)
	require.Contains(t, found.Foreign, why)
	page, err := c.ChangesIn(t.Context(), Window{From: p.CreatedAt.AddDate(0, -1, 0), To: state.UpdatedAt})
	require.NoError(t, err)
	require.Contains(t, page.Changes[0].Foreign, why)
}

// Whose payment one of another account is, is not for us to say, even when it carries an id of ours.
func TestAPaymentOfAnotherAccountIsIdentifiedAsNone(t *testing.T) {
	t.Parallel()
	s, c := account(t, simulator.Config{CollectorID: 77}, Config{CollectorID: "77"})
	p := somePayment("foreign")
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: p, Key: "key-1"})
	require.NoError(t, err)
	id, err := c.Identify(t.Context(), state.PaymentID)
	require.NoError(t, err)
	require.Equal(t, p.ID, id)
	s.AddFault(simulator.Fault{On: simulator.Get, Kind: simulator.KindOtherAccount})
	id, err = c.Identify(t.Context(), state.PaymentID)
	require.NoError(t, err)
	require.Empty(t, id)
}

func TestATestPaymentIsForeignWhenWeAreLive(t *testing.T) {
	t.Parallel()
	_, c := account(t, simulator.Config{}, Config{Live: true})
	state, err := c.Charge(t.Context(), ChargeRequest{Payment: somePayment("no money"), Key: "key-1"})
	require.NoError(t, err)
	require.Contains(t, state.Foreign, "live_mode is false")

	for body, foreign := range map[string]bool{
		`"live_mode": true`: false, `"live_mode": false`: true, `"live_mode": null`: false, `"live_mode": "no"`: false, `"x": 1`: false,
	} {
		got, err := reader{live: true}.payment([]byte(`{"id": 1, "status": "pending", "transaction_amount": 1, "date_created": "2026-01-05T12:00:00Z", ` + body + `}`))
		require.NoError(t, err)
		require.Equal(t, foreign, got.Foreign != "", body)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{CollectorID: 1164726384})
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	require.Equal(t, Account{ID: "1164726384", Site: "MLB", Test: true}, account)

	s.SetFaults([]simulator.Fault{{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusUnauthorized}})
	_, err = c.Account(t.Context())
	require.Equal(t, failure.Unauthorized, failure.KindOf(err))

	for _, body := range []string{"", "[]", "{}", `{"id": null}`, `{"id": "me"}`, "<html>"} {
		_, err := clientOf(t, answering(http.StatusOK, body), timeout).Account(t.Context())
		require.True(t, isUnreadable(err), body)
		require.Equal(t, failure.Unavailable, failure.KindOf(err), body)
	}
}

// An answer that cannot be read is not an outage: Mercado Pago has answered.
func TestAnAnswerThatCannotBeReadIsNotAnOutage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status     int
		body       string
		unreadable bool
	}{
		{http.StatusOK, "", true},
		{http.StatusOK, "<html>", true},
		{http.StatusOK, `{"id": 8}`, true},
		{http.StatusForbidden, "<html>", false},
		{http.StatusServiceUnavailable, "", false},
		{http.StatusForbidden, "{}", false},
	} {
		_, err := clientOf(t, answering(row.status, row.body), timeout).Get(t.Context(), "7")
		require.Error(t, err)
		require.Equal(t, row.unreadable, isUnreadable(err), "%d %s", row.status, row.body)
	}
	_, err := clientOf(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), timeout).Get(t.Context(), "7")
	require.Error(t, err)
	require.False(t, isUnreadable(err))
}
