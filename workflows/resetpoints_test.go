package workflows

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

var update = flag.Bool("update", false, "write testdata anew")

// recorded reads every recorded history, by its file's name.
func recorded(t *testing.T) map[string]*history.History {
	t.Helper()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]*history.History{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		h, err := client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{})
		require.NoError(t, err)
		all[filepath.Base(file)] = h
	}
	return all
}

// The preview of an ordinary payment, as the command prints it in JSON.
func TestAResetPreviewSaysWhatEachPointWouldDo(t *testing.T) {
	t.Parallel()
	points := resetPoints("payment/1", "run", recorded(t)["charge-became-an-activity.json"].Events)
	text, err := json.MarshalIndent(points, "", "  ")
	require.NoError(t, err)
	golden := filepath.Join("testdata", "reset-points.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, append(text, '\n'), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text)+"\n")
}

// In no recorded run was a charge asked for after a point of which the preview says that no money can move.
func TestAResetPreviewNeverDeniesACharge(t *testing.T) {
	t.Parallel()
	seen := map[bool]int{}
	for name, h := range recorded(t) {
		for _, point := range resetPoints("payment/1", "run", h.Events) {
			seen[point.Money.MayMove]++
			if slices.ContainsFunc(point.Again, func(step string) bool { return strings.HasPrefix(step, "charge ") }) {
				require.True(t, point.Money.MayMove, "%s, event %d", name, point.EventID)
			}
		}
	}
	require.NotZero(t, seen[true])
	require.NotZero(t, seen[false])
}

// A reset keeps the events before a point, and lets the workflow task fail that ended there. What is kept must replay.
func TestEveryRecordedHistoryReplaysWhenItIsResetAnywhere(t *testing.T) {
	t.Parallel()
	for name, h := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points := resetPoints("", "", h.Events)
			require.NotEmpty(t, points)
			for _, point := range points {
				require.NoError(t, newReplayer().ReplayWorkflowHistory(quietLog(), resetAt(h, point.EventID)), "event %d", point.EventID)
			}
		})
	}
}

// resetAt is the history of a run that begins with a reset, at the start of its first new workflow task.
func resetAt(h *history.History, eventID int64) *history.History {
	events := slices.Clone(h.Events[:eventID-1])
	started := events[len(events)-1].GetEventId()
	add := func(kind enums.EventType, fill func(*history.HistoryEvent)) {
		event := &history.HistoryEvent{EventId: int64(len(events)) + 1, EventType: kind, EventTime: h.Events[eventID-1].GetEventTime()}
		fill(event)
		events = append(events, event)
	}
	add(enums.EVENT_TYPE_WORKFLOW_TASK_FAILED, func(e *history.HistoryEvent) {
		e.Attributes = &history.HistoryEvent_WorkflowTaskFailedEventAttributes{WorkflowTaskFailedEventAttributes: &history.WorkflowTaskFailedEventAttributes{
			StartedEventId: started, Cause: enums.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, BaseRunId: "before", NewRunId: "after",
		}}
	})
	add(enums.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, func(e *history.HistoryEvent) {
		e.Attributes = &history.HistoryEvent_WorkflowTaskScheduledEventAttributes{WorkflowTaskScheduledEventAttributes: &history.WorkflowTaskScheduledEventAttributes{}}
	})
	add(enums.EVENT_TYPE_WORKFLOW_TASK_STARTED, func(e *history.HistoryEvent) {
		e.Attributes = &history.HistoryEvent_WorkflowTaskStartedEventAttributes{WorkflowTaskStartedEventAttributes: &history.WorkflowTaskStartedEventAttributes{}}
	})
	return &history.History{Events: events}
}
