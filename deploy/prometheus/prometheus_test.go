package prometheus

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAConfigurationForOneMachineIsGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := Config{
		Every: time.Second, Parts: []Target{{"api", "127.0.0.1:1"}, {"worker-2", "127.0.0.1:2"}},
		RabbitMQ: "127.0.0.1:3", Temporal: "127.0.0.1:4", Alertmanager: "127.0.0.1:5",
	}
	for name, text := range map[string]string{"prometheus.yml": config.Render(), "rules.yml": Faster(Rules, 60)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	promtool(t, "check", "config", filepath.Join(dir, "prometheus.yml"))
}

func TestFasterDividesTimeAndNothingElse(t *testing.T) {
	t.Parallel()
	for text, faster := range map[string]string{
		"for: 15m":            "for: 15000ms",
		"rate(x_total[3d])":   "rate(x_total[4320000ms])",
		"x offset 1h > 0":     "x offset 60000ms > 0",
		"  group_wait: 30s":   "  group_wait: 500ms",
		"repeat_interval: 4h": "repeat_interval: 240000ms",
		`expr: max(onlywave_payments_open_oldest_seconds{status="processing"}) > 900`: `expr: max(onlywave_payments_open_oldest_seconds{status="processing"}) > 15`,
		"rate(onlywave_webhook_lag_seconds_bucket[10m]))) > 60":                       "rate(onlywave_webhook_lag_seconds_bucket[10000ms]))) > 1",
		"max(onlywave_postgres_replica_age_seconds) > 60":                             "max(onlywave_postgres_replica_age_seconds) > 60", // asked each second of ours
		"max(onlywave_webhooks_missed) > 10":                                          "max(onlywave_webhooks_missed) > 10",
		"onlywave:http_errors:ratio_rate1h > 14.4 * 0.001":                            "onlywave:http_errors:ratio_rate1h > 14.4 * 0.001",
	} {
		require.Equal(t, faster, Faster(text, 60))
	}
	require.Equal(t, Alerts(), alerts(t))
}
