package devstack

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// MonitorOptions say how to run Prometheus or Alertmanager. They are none of a Stack's services: they watch from outside.
type MonitorOptions struct {
	Dir     string // its own, where Files are written and it keeps its data
	LogFile string
	Port    int               // where it listens
	Files   map[string]string // by name; prometheus.yml or alertmanager.yml is one of them
}

// StartPrometheus runs Prometheus on the configuration prometheus.yml and returns when it has read it. It finds its
// Alertmanager some seconds later, so what has fired until then is sent again soon, and not after its usual minute.
func StartPrometheus(ctx context.Context, o MonitorOptions) (*Process, error) {
	return startMonitor(ctx, o, "prometheus", []string{"prometheus"},
		"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--storage.tsdb.retention.time=7d",
		"--rules.alert.resend-delay=5s",
		"--log.level=warn", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", o.Port))
}

// StartAlertmanager runs Alertmanager on the configuration alertmanager.yml, without a cluster.
func StartAlertmanager(ctx context.Context, o MonitorOptions) (*Process, error) {
	return startMonitor(ctx, o, "alertmanager", []string{"prometheus-alertmanager", "alertmanager"}, // Debian's name, and its own
		"--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address=",
		"--log.level=warn", fmt.Sprintf("--web.listen-address=127.0.0.1:%d", o.Port))
}

func startMonitor(ctx context.Context, o MonitorOptions, name string, programs []string, args ...string) (*Process, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	path, err := program(programs[0])
	for _, other := range programs[1:] {
		if err != nil {
			path, err = program(other)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start %s: make its folder: %w", name, err)
	}
	for file, text := range o.Files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("start %s: %w", name, err)
		}
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/-/ready", o.Port)
	return StartProcess(ctx, Spec{
		Name: name, Path: path, Args: args, Env: environment(dir), Dir: dir, LogFile: o.LogFile, Port: o.Port,
		Ready: func(ctx context.Context) error { return AnswersOK(ctx, url) },
	})
}

// AnswersOK is nil when the address answers 200: a process that listens and answers 503 is not ready.
func AnswersOK(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}
