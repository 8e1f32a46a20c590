package temporal

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/test/devstack"
)

// uis are both Web UIs, each directly and behind the gate, and their Temporal with a running workflow.
type uis struct {
	readOnly, operators             string // behind the gate
	readOnlyDirect, operatorsDirect string
	temporal                        client.Client
}

// entity is a workflow such as a payment's.
const entity = "payment/7"

func startUIs(t *testing.T) uis {
	t.Helper()
	stack, err := devstack.Start(t.Context(), devstack.Options{Services: []devstack.Service{devstack.Temporal}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stack.Stop()) })
	c, err := client.DialContext(t.Context(), client.Options{HostPort: stack.TemporalAddress(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, "entities", worker.Options{})
	w.RegisterWorkflowWithOptions(runEntity, workflow.RegisterOptions{Name: "Payment"})
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	start(t, c, entity)

	config := t.TempDir()
	template, err := os.ReadFile(filepath.Join(goOutput(t, "list", "-m", "-modfile=../../tools/go.mod", "-f", "{{.Dir}}", uiServer), "config", "docker.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(config, "config"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(config, "config", "docker.yaml"), template, 0o600))
	program := goOutput(t, "tool", "-modfile=../../tools/go.mod", "-n", uiServer+"/cmd/server")
	serve := func(file string) string {
		port := freePort(t)
		p, err := devstack.StartProcess(t.Context(), devstack.Spec{
			Name: file, Path: program, Args: []string{"--root", config, "--env", "docker", "start"}, LogFile: filepath.Join(t.TempDir(), "log"), Port: port,
			Env: append(variables(t, file), "TEMPORAL_ADDRESS="+stack.TemporalAddress(), "TEMPORAL_UI_PORT="+strconv.Itoa(port)),
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Stop()) })
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	readOnly, operators := serve("ui-read-only.env"), serve("ui-operators.env")
	return uis{
		readOnly: gate(t, "8233", readOnly, operators), operators: gate(t, "8234", readOnly, operators),
		readOnlyDirect: "http://" + readOnly, operatorsDirect: "http://" + operators, temporal: c,
	}
}

const uiServer = "github.com/temporalio/ui-server/v2"

// goOutput is what the go command prints. Its go tool -n builds the program and prints its path.
func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	require.NoError(t, err, "go %s", strings.Join(args, " "))
	return strings.TrimSpace(string(out))
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := devstack.FreePort(0)
	require.NoError(t, err)
	return port
}

// variables are the settings of a file.
func variables(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return regexp.MustCompile(`(?m)^[A-Z_]+=.*$`).FindAllString(string(text), -1)
}

// gate runs nginx with gate.conf before both Web UIs, and returns the address of one of its two servers.
func gate(t *testing.T, listens, readOnly, operators string) string {
	t.Helper()
	text, err := os.ReadFile("gate.conf")
	require.NoError(t, err)
	port := strconv.Itoa(freePort(t))
	config := string(text)
	for _, replaced := range [][2]string{
		{"temporal-ui:8080", readOnly}, {"temporal-ui-operators:8081", operators}, {"listen " + listens + ";", "listen 127.0.0.1:" + port + ";"},
	} {
		require.Equal(t, 1, strings.Count(config, replaced[0]), replaced[0])
		config = strings.Replace(config, replaced[0], replaced[1], 1)
	}
	config = regexp.MustCompile(`listen \d+;`).ReplaceAllString(config, "listen 127.0.0.1:"+strconv.Itoa(freePort(t))+";") // the other server
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	n, err := devstack.StartNginx(t.Context(), devstack.NginxOptions{Dir: t.TempDir(), LogFile: filepath.Join(t.TempDir(), "log"), Config: config, Port: number})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Stop()) })
	return "http://127.0.0.1:" + port
}

// runEntity takes messages for ever.
func runEntity(ctx workflow.Context) error {
	if err := workflow.SetQueryHandler(ctx, "payment", func() (string, error) { return "pending", nil }); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandler(ctx, "hold", func(workflow.Context, map[string]string) (string, error) { return "held", nil }); err != nil {
		return err
	}
	for {
		workflow.GetSignalChannel(ctx, "look").Receive(ctx, nil)
	}
}

func start(t *testing.T, c client.Client, id string) {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "entities"}, "Payment")
	require.NoError(t, err)
	answer, err := c.QueryWorkflow(t.Context(), id, run.GetRunID(), "payment") // once its first task is done it can be reset
	require.NoError(t, err)
	var status string
	require.NoError(t, answer.Get(&status))
	require.Equal(t, "pending", status)
}

func running(t *testing.T, c client.Client, id string) bool {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	return d.WorkflowExecutionInfo.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}

// send makes a request as the Web UI's page does. The path is sent as it stands.
func send(t *testing.T, method, server, path, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, server+path, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Cookie", "_csrf=token")
	request.Header.Set("X-CSRF-Token", "token")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// The version that is tested here is the one that runs.
func TestTheWebUIsVersionIsTheTestedOne(t *testing.T) {
	t.Parallel()
	version := strings.TrimPrefix(goOutput(t, "list", "-m", "-modfile=../../tools/go.mod", "-f", "{{.Version}}", uiServer), "v")
	for _, file := range []string{"../../docker-compose.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), "image: temporalio/ui:"+version+"\n", file)
	}
}

// The Web UI's server reads our variables by the image's own template, and shows only the buttons that it should.
func TestTheWebUIsShowTheRightButtons(t *testing.T) {
	t.Parallel()
	u := startUIs(t)
	settings := func(server string) (all map[string]any) {
		status, text := send(t, http.MethodGet, server, "/api/v1/settings", "")
		require.Equal(t, http.StatusOK, status)
		require.NoError(t, json.Unmarshal([]byte(text), &all))
		return all
	}
	require.Equal(t, true, settings(u.readOnly)["DisableWriteActions"])
	shown := settings(u.operators)
	for name, disabled := range map[string]bool{
		"DisableWriteActions": false, "WorkflowTerminateDisabled": true, "WorkflowCancelDisabled": true, "StartWorkflowDisabled": true,
		"BatchActionsDisabled": true, "WorkflowSignalDisabled": false, "WorkflowUpdateDisabled": false, "WorkflowResetDisabled": false,
		"ActivityCommandsDisabled": false,
	} {
		require.Equal(t, disabled, shown[name], name)
	}
	t.Run("what operators may do", func(t *testing.T) { operatorsAct(t, u) })
	t.Run("what operators may not do", func(t *testing.T) { operatorsAreRefused(t, u) })
	t.Run("what readers may do", func(t *testing.T) { readersRead(t, u) })
	t.Run("without the gate", func(t *testing.T) { withoutTheGate(t, u) })
}

const api = "/api/v1/namespaces/default"

const it = api + "/workflows/payment%2F7"

func operatorsAct(t *testing.T, u uis) {
	input := `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"e30="}]}` // the JSON {}
	for path, body := range map[string]string{
		it + "/query/payment": `{}`,
		it + "/signal/look":   `{"input":` + input + `}`,
		it + "/update/hold":   `{"waitPolicy":{"lifecycleStage":3},"request":{"meta":{"updateId":"1","identity":"ana"},"input":{"args":` + input + `}}}`,
		it + "/reset":         `{"reason":"try again","workflowTaskFinishEventId":"4","requestId":"reset"}`,
	} {
		status, text := send(t, http.MethodPost, u.operators, path, body)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, text)
	}
	for _, path := range []string{"/activities/pause", "/activities/unpause", "/activities/reset", "/schedules/reconcile/patch"} { // none is there
		status, text := send(t, http.MethodPost, u.operators, api+path, `{}`)
		require.NotEqual(t, http.StatusForbidden, status, "%s: %s", path, text)
	}
	status, text := send(t, http.MethodGet, u.operators, api+"/workflows?query=", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, entity)
}

// ended are requests that end, start or change what operators may not.
var ended = []string{
	it + "/terminate", it + "/cancel", it + "/update-options", it + "/trigger-rule", it, it + "/signal-with-start/look",
	api + "/workflows/new", api + "/workflows/execute-multi-operation", api + "/batch-operations/1", api + "/batch-operations/1/stop",
	api + "/activities/complete", api + "/activities/complete-by-id", api + "/activities/fail-by-id", api + "/activities/cancel-by-id",
	api + "/activities/update-options", api + "/schedules/reconcile", api + "/schedules/reconcile/update", api + "/update", "/api/v1/namespaces",
	api + "/task-queues/payments/update-config", api + "/worker-deployments/onlywave/set-current-version", "/",
	// The same in disguise.
	api + "/workflows/new%2Freset", api + "/workflows/new%2Fsignal%2Flook", it + "/terminate?/reset", it + "/terminate%3F/reset", it + "/reset/../terminate",
	"/" + it + "/signal/look", it + "/%72eset/terminate", api + "/batch-operations/1%2Fworkflows%2F%2Fquery%2F", it + "/signal/look/terminate",
}

func operatorsAreRefused(t *testing.T, u uis) {
	for _, path := range ended {
		status, text := send(t, http.MethodPost, u.operators, path, `{}`)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", path, text)
		require.Contains(t, text, "deploy/temporal/README.md", path)
	}
	for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodOptions, "post"} {
		status, text := send(t, method, u.operators, api+"/schedules/reconcile", `{}`)
		require.Contains(t, []int{http.StatusForbidden, http.StatusBadRequest}, status, "%s: %s", method, text)
	}
	require.True(t, running(t, u.temporal, entity))
}

func readersRead(t *testing.T, u uis) {
	status, text := send(t, http.MethodPost, u.readOnly, it+"/query/payment", `{}`)
	require.Equal(t, http.StatusOK, status, text)
	status, text = send(t, http.MethodGet, u.readOnly, api+"/workflows?query=", "")
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, entity)
	for _, path := range append([]string{it + "/signal/look", it + "/update/hold", it + "/reset", api + "/activities/pause"}, ended...) {
		status, text := send(t, http.MethodPost, u.readOnly, path, `{}`)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", path, text)
	}
}

// withoutTheGate shows what the Web UI's server itself lets through. If a request here is refused, a newer server may need no gate.
func withoutTheGate(t *testing.T, u uis) {
	start(t, u.temporal, "payment/8")
	status, text := send(t, http.MethodPost, u.operatorsDirect, api+"/workflows/payment%2F8/terminate", `{}`)
	require.Equal(t, http.StatusOK, status, "its settings hide a button: %s", text)
	require.False(t, running(t, u.temporal, "payment/8"))

	start(t, u.temporal, "payment/9")
	batch := `{"reason":"none","executions":[{"workflowId":"payment/9"}],"terminationOperation":{}}`
	status, _ = send(t, http.MethodPost, u.readOnlyDirect, api+"/batch-operations/1", batch)
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, text = send(t, http.MethodPost, u.readOnlyDirect, api+"/batch-operations/1%2Fworkflows%2F%2Fquery%2F", batch)
	require.Equal(t, http.StatusOK, status, "it takes the id of a batch for a query: %s", text)
	require.Eventually(t, func() bool { return !running(t, u.temporal, "payment/9") }, time.Minute, 50*time.Millisecond)
}
