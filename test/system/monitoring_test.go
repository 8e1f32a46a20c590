package system

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/grafana"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/workflows"
)

// A graph that is empty because of a misspelt name looks like one that is empty because all is well.
func TestEveryDashboardQueryFindsSomething(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	const buyer = "graph.reader@example.com" // an e-mail is an activity that waits for a worker, as a payment's seldom are
	answer, err := shared.Shops[0].Post(within(t), key, strings.Replace(platform.Order(1050, key), platform.BuyerEmail+`"`, buyer+`", "notify_by": "email"`, 1))
	require.NoError(t, err)
	var p platform.Payment
	require.NoError(t, json.Unmarshal(answer.Body, &p), string(answer.Body))
	_, err = shared.Mailbox.Await(within(t), buyer, 1)
	require.NoError(t, err)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	prometheus := &platform.Shop{URL: shared.Monitoring.Prometheus}
	for _, d := range grafana.Dashboards {
		for _, panel := range d.Panels {
			for _, query := range panel.Queries {
				asked := "/api/v1/query?query=" + url.QueryEscape(strings.ReplaceAll(query.Expr, "$__rate_interval", "5m"))
				eventually(t, func() bool {
					answer, err := prometheus.Get(within(t), asked)
					require.NoError(t, err)
					require.Equal(t, http.StatusOK, answer.Status, "%s: %s", query.Expr, answer.Body)
					var found struct {
						Data struct {
							Result []json.RawMessage `json:"result"`
						} `json:"data"`
					}
					require.NoError(t, json.Unmarshal(answer.Body, &found))
					return panel.Quiet != "" || len(found.Data.Result) > 0
				}, d.Title+", "+panel.Title+": "+query.Expr)
			}
		}
	}
}

// Where a newcomer is sent there is something to see.
func TestEveryAddressThatIsPrintedIsThere(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`http://\S+`).FindAllString(shared.Addresses(), -1)
	require.Len(t, found, 11+len(workflows.SavedViews(time.Now())))
	for _, url := range found {
		answer, err := (&platform.Shop{URL: url, Key: shared.Key}).Get(within(t), "")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.Status, "%s: %.100s", url, answer.Body)
	}
}
