package simulator

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheAccountIsTheTokens(t *testing.T) {
	t.Parallel()
	a := open(t, Config{CollectorID: 42})
	ask := func() (status int, account accountAnswer) {
		t.Helper()
		status, _, text, err := a.attempt("GET", "/users/me", "", nil)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal([]byte(text), &account))
		return status, account
	}
	status, account := ask()
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 42, account.ID)
	require.Equal(t, "MLB", account.SiteID)

	a.AddFault(Fault{On: Account, Kind: KindError, Status: http.StatusUnauthorized, Times: 1})
	status, _ = ask()
	require.Equal(t, http.StatusUnauthorized, status)
}

// A fault may be about one payment, whether the account has it or not.
func TestAFaultMayApplyToOneIDOnly(t *testing.T) {
	t.Parallel()
	a := open(t, Config{})
	own := a.charge(nil).id()
	a.AddFault(Fault{On: Get, Kind: KindError, Status: http.StatusForbidden, PaymentID: "77"})
	for id, want := range map[string]int{"77": http.StatusForbidden, "78": http.StatusNotFound, own: http.StatusOK} {
		status, _, _, err := a.attempt("GET", "/v1/payments/"+id, "", nil)
		require.NoError(t, err)
		require.Equal(t, want, status, id)
	}
}
