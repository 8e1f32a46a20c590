package system

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/platform"
)

// shown are the metrics of a part, by name; every series of each is checked for what must not be in a label.
func shown(t *testing.T, of *platform.Platform, part string, secrets ...string) map[string]bool {
	answer, err := of.Show(within(t), part, "/metrics")
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	text := string(answer.Body)
	for _, secret := range secrets {
		require.NotContains(t, text, secret, "in the metrics of the %s", part)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	names := map[string]bool{}
	for name, family := range families {
		names[name] = true
		if family.GetType().String() == "HISTOGRAM" {
			names[name+"_bucket"], names[name+"_count"], names[name+"_sum"] = true, true, true
		}
	}
	return names
}

// ofReplicas begins the names of what is shown only where Postgres has a replica.
const ofReplicas = "onlywave_postgres_replica_"

// needed are the metrics that alerts and the operators' pages name, those of replicas or all others.
func needed(t *testing.T, replicas bool) (named []string) {
	files, err := filepath.Glob(runbook + "alerts/*.md")
	require.NoError(t, err)
	for _, file := range append(files, "deploy/prometheus/rules.yml", "docs/operations.md") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`\bonlywave_\w+`).FindAllString(string(text), -1) {
			if strings.HasPrefix(name, ofReplicas) == replicas {
				named = append(named, name)
			}
		}
	}
	require.NotEmpty(t, named)
	return named
}

// An alert about a metric that no process shows never fires, and a page about it helps no operator.
func TestEveryMetricThatAnAlertNeedsIsShown(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)

	secrets := []string{id, p.Provider.PaymentID}
	for _, text := range shared.Secrets() {
		secrets = append(secrets, text)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) { // what the broker is asked for is shown at the second look
		names := map[string]bool{}
		for _, part := range []string{"api", "worker", "worker-2"} { // any one of the workers had a part in the payment
			maps.Copy(names, shown(t, shared, part, secrets...))
		}
		for _, name := range needed(t, false) {
			assert.True(c, names[name], name)
		}
	}, timeout, 100*time.Millisecond)
}

// A payment is counted by each process that had a part in it, once.
func TestMetricsTellOfAPayment(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	eventually(t, func() bool {
		var all string
		for _, part := range []string{"api", "api-2", "worker", "worker-2"} {
			answer, err := shared.Show(within(t), part, "/metrics")
			require.NoError(t, err)
			all += string(answer.Body)
		}
		for _, series := range []string{
			`onlywave_http_request_duration_seconds_count{method="POST",route="/v1/payments",status="2xx"}`,
			`onlywave_activity_duration_seconds_count{activity="Charge",outcome="ok"}`,
			`onlywave_provider_call_duration_seconds_count{operation="create_pix",outcome="ok"}`,
			`onlywave_payment_moves_total{method="pix",status="approved"}`,
			`onlywave_payment_approval_seconds_count{method="pix"}`,
			`onlywave_messages_total{outcome="done",queue="onlywave.webhooks.process"}`,
			`onlywave_webhook_lag_seconds_count`,
			`onlywave_dependency_up{dependency="temporal"}`,
		} {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` [1-9]`).MatchString(all) {
				return false
			}
		}
		return true
	}, "every edge has measured something")
}

// Each of our processes says what it depends on, and the public port does not say why something is unavailable.
func TestEveryProcessShowsItsHealth(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"api", "worker"} {
		for _, page := range []string{"/livez", "/readyz", "/startupz"} {
			answer, err := shared.Show(within(t), part, page)
			require.NoError(t, err)
			require.Equal(t, 200, answer.Status, "%s of the %s", page, part)
		}
	}
	answer, err := shared.Shops[0].Get(within(t), "/metrics")
	require.NoError(t, err)
	require.Equal(t, 404, answer.Status, "the public address shows no metrics")
}
