package devstack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Prometheus and Alertmanager read what they are given, and RabbitMQ and Temporal show their own metrics.
func TestMonitorsStartAndServicesShowTheirMetrics(t *testing.T) {
	t.Parallel()
	stack, err := Start(t.Context(), Options{Services: []Service{RabbitMQ, Temporal}, Metrics: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	for _, url := range []string{
		"http://" + stack.RabbitMQMetrics() + "/metrics/detailed?family=queue_coarse_metrics", "http://" + stack.TemporalMetrics() + "/metrics",
	} {
		require.NoError(t, AnswersOK(t.Context(), url))
	}

	start := func(run func(o MonitorOptions) (*Process, error), file, text string) (*Process, error) {
		port, err := FreePort(0)
		require.NoError(t, err)
		dir := t.TempDir()
		p, err := run(MonitorOptions{Dir: dir, LogFile: filepath.Join(dir, "log"), Port: port, Files: map[string]string{file: text}})
		if err == nil {
			t.Cleanup(func() { require.NoError(t, p.Stop()) })
			require.NoError(t, AnswersOK(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/metrics", port)))
		}
		return p, err
	}
	prometheus := func(o MonitorOptions) (*Process, error) { return StartPrometheus(t.Context(), o) }
	alertmanager := func(o MonitorOptions) (*Process, error) { return StartAlertmanager(t.Context(), o) }
	_, err = start(prometheus, "prometheus.yml", "global: {scrape_interval: 5s}\n")
	require.NoError(t, err)
	_, err = start(alertmanager, "alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
	require.NoError(t, err)
	_, err = start(prometheus, "prometheus.yml", "global: {nonsense: 1}\n")
	require.ErrorContains(t, err, "nonsense", "its own words")
}

// What listens and answers that it is not ready is not ready.
func TestAnAnswerOtherThan200IsNotReady(t *testing.T) {
	t.Parallel()
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) }))
	t.Cleanup(server.Close)
	require.ErrorContains(t, AnswersOK(t.Context(), server.URL), "503")
	status = http.StatusOK
	require.NoError(t, AnswersOK(t.Context(), server.URL))
}
