package devstack

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// TemporalAddress is host:port of the gRPC front end; the namespace is "default".
func (s *Stack) TemporalAddress() string { return fmt.Sprintf("127.0.0.1:%d", s.ports.Temporal) }

// TemporalUIURL is the Web UI.
func (s *Stack) TemporalUIURL() string { return fmt.Sprintf("http://127.0.0.1:%d", s.ports.TemporalUI) }

// TemporalMetrics is host:port of its metrics for Prometheus.
func (s *Stack) TemporalMetrics() string { return fmt.Sprintf("127.0.0.1:%d", s.metrics.Temporal) }

func (s *Stack) startTemporal(ctx context.Context) (int, error) {
	common, err := s.spec(Temporal)
	if err != nil {
		return 0, err
	}
	if common.Path, err = TemporalCommand(); err != nil {
		return 0, err
	}
	s.ports.Temporal, err = s.launch(ctx, Temporal, s.options.Ports.Temporal, func(port int) (Spec, error) {
		spec := common
		ui, err := FreePort(s.options.Ports.TemporalUI)
		if err != nil {
			return spec, err
		}
		if spec.Args, err = s.temporalArgs(spec.Dir, port, ui); err != nil {
			return spec, err
		}
		s.ports.TemporalUI = ui
		spec.Port = port
		spec.Ready = func(ctx context.Context) error { return temporalReady(ctx, s.temporalHTTP, s.options.SearchAttributes) }
		return spec, nil
	})
	return s.ports.Temporal, err
}

// temporalDatabase is the file of the development server.
const temporalDatabase = "temporal.db"

// TemporalDatabase is the file in which it stores everything. What is not in the file yet is beside it, in a file with -wal at its end.
func (s *Stack) TemporalDatabase() string {
	return filepath.Join(s.folder.path, string(Temporal), temporalDatabase)
}

// TemporalCommand is the operators' command line.
func TemporalCommand() (path string, err error) { return program("temporal", temporalFolders()...) }

// temporalFolders are where scripts/bootstrap puts the command: .bin of the module we are in, or beside our binary.
func temporalFolders() []string {
	var folders []string
	if executable, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(executable), filepath.Join(filepath.Dir(executable), ".bin"))
	}
	dir, err := os.Getwd()
	if err != nil {
		return folders
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			folders = append(folders, filepath.Join(dir, ".bin"))
		}
		if dir == filepath.Dir(dir) {
			return folders
		}
	}
}

func (s *Stack) temporalArgs(dir string, port, ui int) ([]string, error) {
	// Unless a level is named, the command logs nothing of the server, not even errors.
	args := []string{"server", "start-dev", "--log-level", "error", "--ip", "127.0.0.1", "--port", strconv.Itoa(port), "--ui-port", strconv.Itoa(ui)}
	var err error
	if s.temporalHTTP, err = FreePort(0); err != nil {
		return nil, err
	}
	if s.metrics.Temporal, err = FreePort(0); err != nil {
		return nil, err
	}
	args = append(args, "--http-port", strconv.Itoa(s.temporalHTTP), "--metrics-port", strconv.Itoa(s.metrics.Temporal))
	// A file also for a throw-away stack: with 32 callers it measured faster than the in-memory database. Why was not
	// looked into.
	args = append(args, "--db-filename", filepath.Join(dir, temporalDatabase),
		"--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=off")
	if s.options.TemporalUICodec != "" {
		args = append(args, "--ui-codec-endpoint", s.options.TemporalUICodec)
	}
	for flag, values := range map[string]map[string]string{
		"--search-attribute":     s.options.SearchAttributes,
		"--dynamic-config-value": s.options.TemporalDynamicConfig,
	} {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			args = append(args, flag, name+"="+values[name])
		}
	}
	return args, nil
}

// AllowImports restarts Temporal so that it takes recorded histories through its admin API, as `tdbg workflow import` sends them. The
// development server refuses them, because it has no setting for global namespaces. What its database says of that counts more than
// its settings, so the database is changed: a field that is appended to a protocol buffer replaces the earlier value.
func (s *Stack) AllowImports(ctx context.Context) error {
	sqlite, err := program("sqlite3")
	if err != nil {
		return err
	}
	temporal := s.Process(Temporal)
	if err := temporal.Stop(); err != nil {
		return err
	}
	const globalNamespaces = "update cluster_metadata_info set data = cast(data || x'4801' as blob)" // is_global_namespace_enabled, field 9: true
	file := s.TemporalDatabase()
	if output, err := exec.CommandContext(ctx, sqlite, file, globalNamespaces).CombinedOutput(); err != nil {
		return fmt.Errorf("change Temporal's database: %w\n%s", err, output)
	}
	return temporal.Restart(ctx)
}
