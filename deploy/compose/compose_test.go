// Package compose has the configuration that docker-compose.yml mounts into its services. Its one rule: it is tested on the real services,
// with the compose file's own commands.
package compose

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

const (
	timeout = 2 * time.Minute
	tick    = 50 * time.Millisecond
)

func service(t *testing.T, name string) types.ServiceConfig {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithName("onlywave"))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	require.Contains(t, project.Services, name)
	return project.Services[name]
}

// script is a service's command, one line of shell, with replacements: pairs of a text that must be in it and its replacement.
func script(t *testing.T, name string, words ...string) string {
	t.Helper()
	command := service(t, name).Command
	require.Equal(t, []string{"sh", "-c"}, []string(command[:2]))
	line := strings.ReplaceAll(command[2], "$$", "$")
	for i := 0; i < len(words); i += 2 {
		require.Contains(t, line, words[i])
	}
	return strings.NewReplacer(words...).Replace(line)
}

// own is the path of a file in this folder.
func own(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(file)
	require.NoError(t, err)
	return path
}

// run starts a line of shell, and returns when the port is open.
func run(t *testing.T, spec devstack.Spec, line string) *devstack.Process {
	t.Helper()
	spec.Path, spec.Args = "/bin/sh", []string{"-c", line}
	spec.LogFile = filepath.Join(t.TempDir(), "log")
	p, err := devstack.StartProcess(t.Context(), spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Stop()) })
	return p
}

// folder is a folder that every user may write to.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o777))
	return dir
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := devstack.FreePort(0)
	require.NoError(t, err)
	return port
}

// within is a context with the timeout.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}
