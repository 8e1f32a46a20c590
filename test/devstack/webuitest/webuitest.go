// Package webuitest runs Temporal's two Web UIs as deploy/temporal configures them. Its one rule: program, template of the settings and
// nginx are the real ones.
package webuitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/devstack"
)

// WebUIs are the addresses of both Web UIs. Users reach them through the gate.
type WebUIs struct {
	ReadOnly, Operators             string // through the gate
	ReadOnlyDirect, OperatorsDirect string
}

// server is the Web UI's server; tools/go.mod has its version.
const server = "github.com/temporalio/ui-server/v2"

// Start runs both Web UIs and their gate until the end of the test. The console at an address decrypts payloads for them; "": none does.
func Start(t *testing.T, temporalAddress, console string) WebUIs {
	t.Helper()
	settings := filepath.Join(t.TempDir(), "config") // as in the image
	template, err := os.ReadFile(filepath.Join(goOutput(t, "list", "-m", "-f", "{{.Dir}}", server), "config", "docker.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(settings, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(settings, "docker.yaml"), template, 0o600))
	program := goOutput(t, "tool", "-n", server+"/cmd/server") // it builds the program and prints its path
	serve := func(file string) string {
		port := freePort(t)
		p, err := devstack.StartProcess(t.Context(), devstack.Spec{
			Name: file, Path: program, Args: []string{"--root", filepath.Dir(settings), "--env", "docker", "start"}, LogFile: filepath.Join(t.TempDir(), "log"), Port: port,
			Env: append(variables(t, file), "TEMPORAL_ADDRESS="+temporalAddress, "TEMPORAL_UI_PORT="+strconv.Itoa(port), "TEMPORAL_CSRF_COOKIE_INSECURE=true",
				"TEMPORAL_CODEC_ENDPOINT="+codecEndpoint(console)),
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Stop()) })
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	readOnly, operators := serve("ui-read-only.env"), serve("ui-operators.env")
	u := WebUIs{ReadOnlyDirect: "http://" + readOnly, OperatorsDirect: "http://" + operators}
	u.ReadOnly, u.Operators = gate(t, readOnly, operators)
	return u
}

// codecEndpoint is where the console decrypts payloads, as the variable names it.
func codecEndpoint(console string) string {
	if console == "" {
		return ""
	}
	return console + "/console/codec"
}

// Version is the version of the Web UI, such as 2.42.1.
func Version(t *testing.T) string {
	t.Helper()
	return strings.TrimPrefix(goOutput(t, "list", "-m", "-f", "{{.Version}}", server), "v")
}

// gate runs nginx with gate.conf before both Web UIs.
func gate(t *testing.T, readOnlyUI, operatorsUI string) (readOnly, operators string) {
	t.Helper()
	first, second := freePort(t), freePort(t)
	config := string(file(t, "gate.conf"))
	for _, replaced := range [][2]string{
		{"temporal-ui:8080", readOnlyUI}, {"listen 8233;", "listen 127.0.0.1:" + strconv.Itoa(first) + ";"},
		{"temporal-ui-operators:8081", operatorsUI}, {"listen 8234;", "listen 127.0.0.1:" + strconv.Itoa(second) + ";"},
	} {
		require.Equal(t, 1, strings.Count(config, replaced[0]), replaced[0])
		config = strings.Replace(config, replaced[0], replaced[1], 1)
	}
	n, err := devstack.StartNginx(t.Context(), devstack.NginxOptions{Dir: t.TempDir(), LogFile: filepath.Join(t.TempDir(), "log"), Config: config, Port: second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Stop()) })
	return "http://127.0.0.1:" + strconv.Itoa(first), "http://127.0.0.1:" + strconv.Itoa(second)
}

// variables are the settings of a file in deploy/temporal.
func variables(t *testing.T, name string) []string {
	t.Helper()
	return regexp.MustCompile(`(?m)^[A-Z_]+=.*$`).FindAllString(string(file(t, name)), -1)
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "deploy", "temporal", name))
	require.NoError(t, err)
	return text
}

// goOutput is what a command of go prints about the modules of tools.
func goOutput(t *testing.T, verb string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", append([]string{verb, "-modfile=tools/go.mod"}, args...)...)
	c.Dir, c.Stderr = root(t), os.Stderr
	out, err := c.Output()
	require.NoError(t, err, "go %s", strings.Join(args, " "))
	return strings.TrimSpace(string(out))
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	require.NoError(t, err)
	return filepath.Dir(strings.TrimSpace(string(out)))
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := devstack.FreePort(0)
	require.NoError(t, err)
	return port
}
