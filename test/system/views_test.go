package system

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/workflows"
)

// Temporal accepts every view's query, also as the Web UI sends it, and the view of open payments has an open payment.
func TestEverySavedViewIsAQueryThatTemporalAccepts(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	create(t, key)
	names := map[string]bool{}
	for _, v := range workflows.SavedViews(time.Now()) {
		require.False(t, names[v.Name], "two views are called %s", v.Name)
		names[v.Name] = true
		require.NotEmpty(t, v.Title.EN, v.Name)
		require.NotEmpty(t, v.Title.PT, v.Name)
		link, err := url.Parse(v.Link(shared.Stack.TemporalUIURL(), "default"))
		require.NoError(t, err)
		listed := webUI(t, link.Path+"?query="+url.QueryEscape(link.Query().Get("query")))
		if v.Name == "open" {
			eventually(t, func() bool {
				return strings.Contains(webUI(t, link.Path+"?query="+url.QueryEscape(v.Query+` and WorkflowId = "payment/`+id+`"`)), "payment/"+id)
			}, "the payment is in the view")
		}
		require.True(t, json.Valid([]byte(listed)), listed)
	}
}

// A run is in the view of task failures when Temporal reports it, which is after five failures. The later ones are timeouts of the task.
func TestTheViewOfTaskFailuresHasARunWhoseCodePanics(t *testing.T) {
	t.Parallel()
	c, err := client.DialContext(within(t), client.Options{HostPort: shared.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	defer c.Close()
	w := worker.New(c, "panics", worker.Options{})
	w.RegisterWorkflowWithOptions(func(workflow.Context) error { panic("as a nondeterministic workflow") }, workflow.RegisterOptions{Name: "Panics"})
	require.NoError(t, w.Start())
	defer w.Stop()
	run, err := c.ExecuteWorkflow(within(t), client.StartWorkflowOptions{ID: "panics", TaskQueue: "panics", WorkflowTaskTimeout: time.Second}, "Panics")
	require.NoError(t, err)
	defer func() { require.NoError(t, c.TerminateWorkflow(t.Context(), run.GetID(), "", "the test ends")) }()

	views := workflows.SavedViews(time.Now())
	at := slices.IndexFunc(views, func(v workflows.SavedView) bool { return v.Name == "task-failures" })
	require.GreaterOrEqual(t, at, 0)
	eventually(t, func() bool {
		listed, err := c.ListWorkflow(within(t), &workflowservice.ListWorkflowExecutionsRequest{Query: views[at].Query})
		return err == nil && len(listed.Executions) == 1 && listed.Executions[0].Execution.WorkflowId == run.GetID()
	}, "the run is in the view")
}

// webUI is what the Web UI's server answers to a list.
func webUI(t *testing.T, path string) string {
	request, err := http.NewRequestWithContext(within(t), http.MethodGet, shared.Stack.TemporalUIURL()+"/api/v1"+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", path, body)
	return string(body)
}

// A script asks for a query by the view's name; a person reads names, titles and links.
func TestTheViewsCommandPrintsQueriesAndLinks(t *testing.T) {
	t.Parallel()
	run := func(args ...string) string {
		var out bytes.Buffer
		require.NoError(t, cli.Run(t.Context(), append([]string{"views"}, args...), []string{"TEMPORAL_UI_URL=" + shared.Stack.TemporalUIURL()}, &out))
		return out.String()
	}
	require.Contains(t, temporal(t, "workflow", "count", "--query", strings.TrimSpace(run("unknown"))), "Total: ")
	require.Contains(t, run(), shared.Stack.TemporalUIURL()+"/namespaces/default/workflows?query=PaymentStatus+%3D+%22unknown%22")
	require.Contains(t, run("--lang", "pt"), "Pagamentos em aberto")
	require.ErrorContains(t, cli.Run(t.Context(), []string{"views", "unknwon"}, nil, io.Discard), "NAME must be needs-attention, unknown")
	require.ErrorContains(t, cli.Run(t.Context(), []string{"views", "--lang", "de"}, nil, io.Discard), "--lang must be en or pt")
}
