package temporal

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
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
	"github.com/onlywave/onlywave/test/devstack/webuitest"
)

// uis are both Web UIs, and their Temporal with a running workflow.
type uis struct {
	webuitest.WebUIs
	temporal client.Client
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
	return uis{webuitest.Start(t, stack.TemporalAddress(), ""), c}
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
	d, err := c.DescribeWorkflow(t.Context(), id, "")
	require.NoError(t, err)
	return d.RawResponse.WorkflowExecutionInfo.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
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
	version := webuitest.Version(t)
	for _, file := range []string{"../../docker-compose.yml", "../kubernetes/components/temporal-ui/deployment.yaml"} {
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
	require.Equal(t, true, settings(u.ReadOnly)["DisableWriteActions"])
	shown := settings(u.Operators)
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
		status, text := send(t, http.MethodPost, u.Operators, path, body)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, text)
	}
	for _, path := range []string{"/activities/pause", "/activities/unpause", "/activities/reset", "/schedules/reconcile/patch"} { // none is there
		status, text := send(t, http.MethodPost, u.Operators, api+path, `{}`)
		require.NotEqual(t, http.StatusForbidden, status, "%s: %s", path, text)
	}
	status, text := send(t, http.MethodGet, u.Operators, api+"/workflows?query=", "")
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
		status, text := send(t, http.MethodPost, u.Operators, path, `{}`)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", path, text)
		require.Contains(t, text, "deploy/temporal/README.md", path)
	}
	for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodOptions, "post"} {
		status, text := send(t, method, u.Operators, api+"/schedules/reconcile", `{}`)
		require.Contains(t, []int{http.StatusForbidden, http.StatusBadRequest}, status, "%s: %s", method, text)
	}
	require.True(t, running(t, u.temporal, entity))
}

func readersRead(t *testing.T, u uis) {
	status, text := send(t, http.MethodPost, u.ReadOnly, it+"/query/payment", `{}`)
	require.Equal(t, http.StatusOK, status, text)
	status, text = send(t, http.MethodGet, u.ReadOnly, api+"/workflows?query=", "")
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, entity)
	for _, path := range append([]string{it + "/signal/look", it + "/update/hold", it + "/reset", api + "/activities/pause"}, ended...) {
		status, text := send(t, http.MethodPost, u.ReadOnly, path, `{}`)
		require.Equal(t, http.StatusForbidden, status, "%s: %s", path, text)
	}
}

// withoutTheGate shows what the Web UI's server itself lets through. If a request here is refused, a newer server may need no gate.
func withoutTheGate(t *testing.T, u uis) {
	start(t, u.temporal, "payment/8")
	status, text := send(t, http.MethodPost, u.OperatorsDirect, api+"/workflows/payment%2F8/terminate", `{}`)
	require.Equal(t, http.StatusOK, status, "its settings hide a button: %s", text)
	require.False(t, running(t, u.temporal, "payment/8"))

	start(t, u.temporal, "payment/9")
	batch := `{"reason":"none","executions":[{"workflowId":"payment/9"}],"terminationOperation":{}}`
	status, _ = send(t, http.MethodPost, u.ReadOnlyDirect, api+"/batch-operations/1", batch)
	require.Equal(t, http.StatusMethodNotAllowed, status)
	status, text = send(t, http.MethodPost, u.ReadOnlyDirect, api+"/batch-operations/1%2Fworkflows%2F%2Fquery%2F", batch)
	require.Equal(t, http.StatusOK, status, "it takes the id of a batch for a query: %s", text)
	require.Eventually(t, func() bool { return !running(t, u.temporal, "payment/9") }, time.Minute, 50*time.Millisecond)
}
