package mercadopago

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/simulator"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	s, c := simulated(t, simulator.Config{CollectorID: 1164726384})
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	require.Equal(t, Account{ID: "1164726384", Site: "MLB", Test: true}, account)

	s.SetFaults([]simulator.Fault{{On: simulator.Account, Kind: simulator.KindError, Status: http.StatusUnauthorized}})
	_, err = c.Account(t.Context())
	require.Equal(t, payment.Unauthorized, payment.KindOf(err))

	for _, body := range []string{"", "[]", "{}", `{"id": null}`, `{"id": "me"}`, "<html>"} {
		_, err := clientOf(t, answering(http.StatusOK, body), patience).Account(t.Context())
		require.True(t, IsUnreadable(err), body)
		require.Equal(t, payment.Unavailable, payment.KindOf(err), body)
	}
}

// Whether Mercado Pago has answered at all is what tells an answer that nobody can read from an outage.
func TestAnAnswerThatCannotBeReadIsToldFromNone(t *testing.T) {
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
		_, err := clientOf(t, answering(row.status, row.body), patience).Identify(t.Context(), "7")
		require.Error(t, err)
		require.Equal(t, row.unreadable, IsUnreadable(err), "%d %s", row.status, row.body)
	}
	_, err := clientOf(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), patience).Identify(t.Context(), "7")
	require.Error(t, err)
	require.False(t, IsUnreadable(err))
}
