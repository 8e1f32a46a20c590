package system

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

// The worker indexes the buyer's e-mail address with the key with which the API searches, and neither writes it to a log.
func TestAnOperatorFindsAPaymentByTheBuyersEmail(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	order := strings.Replace(platform.Order(1050, key), platform.BuyerEmail, "Carla.Dias@example.com", 1)
	answer, err := shared.Shops[0].Post(within(t), key, order)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, answer.Status)

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := http.Client{Jar: jar, Timeout: timeout}
	send := func(path string, fields url.Values) (page, address string) {
		request, err := http.NewRequestWithContext(within(t), http.MethodPost, shared.Shops[0].URL+path, strings.NewReader(fields.Encode()))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := browser.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, string(body))
		return string(body), response.Request.URL.Path
	}
	name, password, err := shared.Operator(within(t))
	require.NoError(t, err)
	send("/console/log-in", url.Values{"name": {name}, "password": {password}})
	search := func() (page, address string) {
		return send("/console/payments", url.Values{"q": {" carla.dias@EXAMPLE.com"}})
	}
	page, address := search()
	require.Equal(t, "/console/payments/"+id, address)
	require.NotContains(t, strings.ToLower(page), "carla")

	// A payment of before the key is found after a migration.
	require.Equal(t, 1, inShared(t, `
with old as (update payments set payer_email_index = null where id = $1 returning id) select count(*) from old`, id))
	page, address = search()
	require.Equal(t, "/console/payments", address)
	require.Contains(t, page, "run <code>onlywave migrate</code>")
	require.NoError(t, shared.Migrate(within(t)))
	_, address = search()
	require.Equal(t, "/console/payments/"+id, address)

	eventually(t, func() bool { return strings.Contains(apiLogs(t), "payments searched by e-mail") }, "the search is logged")
	require.NotContains(t, strings.ToLower(apiLogs(t)), "carla")
}
