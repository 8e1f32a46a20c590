package resets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

// recording is a recorded history, as the text of its file.
type recording struct {
	name string // of the file, without .json
	text any    // decoded JSON
	run  *history.History
}

func readRecordings(folder string) ([]recording, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no recorded history in %s: %w", folder, err)
	}
	var all []recording
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r := recording{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&r.text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if r.run, err = client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{}); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (r recording) started() *history.WorkflowExecutionStartedEventAttributes {
	return r.run.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
}

func (r recording) workflow() string { return r.started().GetWorkflowType().GetName() }

// ended is when the last event was recorded.
func (r recording) ended() time.Time {
	return r.run.GetEvents()[len(r.run.GetEvents())-1].GetEventTime().AsTime()
}

// failed says whether the recorded run itself has ended as failed.
func (r recording) failed() bool {
	return r.run.GetEvents()[len(r.run.GetEvents())-1].GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED
}

// points are the events at which Temporal can reset: the ends of workflow tasks.
func (r recording) points() []int64 {
	var points []int64
	for _, event := range r.run.GetEvents() {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, enums.EVENT_TYPE_WORKFLOW_TASK_FAILED, enums.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
			points = append(points, event.GetEventId())
		}
	}
	return points
}

// charging says whether an activity that charges is in progress at an event.
func (r recording) charging(at int64) bool {
	waiting := map[int64]bool{}
	for _, event := range r.run.GetEvents()[:at-1] {
		switch event.GetEventType() {
		case enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
			if event.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == "Charge" {
				waiting[event.GetEventId()] = true
			}
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			delete(waiting, event.GetActivityTaskCompletedEventAttributes().GetScheduledEventId())
		case enums.EVENT_TYPE_ACTIVITY_TASK_FAILED:
			delete(waiting, event.GetActivityTaskFailedEventAttributes().GetScheduledEventId())
		case enums.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
			delete(waiting, event.GetActivityTaskCanceledEventAttributes().GetScheduledEventId())
		}
	}
	return len(waiting) > 0
}

// changed is the history with other texts, and later by so much: everywhere, in inputs and results too.
func (r recording) changed(texts *strings.Replacer, later time.Duration) (*history.History, error) {
	changed, err := json.Marshal(change(r.text, func(text string) string { return moveTimes(texts.Replace(text), later) }))
	if err != nil {
		return nil, err
	}
	return client.HistoryFromJSON(bytes.NewReader(changed), client.HistoryJSONOptions{})
}

// change applies a change to all texts of a JSON value. The data of a payload is base64.
func change(value any, text func(string) string) any {
	switch v := value.(type) {
	case string:
		return text(v)
	case []any:
		changed := make([]any, len(v))
		for i := range v {
			changed[i] = change(v[i], text)
		}
		return changed
	case map[string]any:
		changed := make(map[string]any, len(v))
		for name, inner := range v {
			if data, ok := inner.(string); ok && name == "data" {
				if decoded, err := base64.StdEncoding.DecodeString(data); err == nil {
					changed[name] = base64.StdEncoding.EncodeToString([]byte(text(string(decoded))))
					continue
				}
			}
			changed[name] = change(inner, text)
		}
		return changed
	}
	return value
}

var timeText = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

func moveTimes(text string, later time.Duration) string {
	if later == 0 {
		return text
	}
	return timeText.ReplaceAllStringFunc(text, func(found string) string {
		t, err := time.Parse(time.RFC3339Nano, found)
		if err != nil {
			return found
		}
		return t.Add(later).Format(time.RFC3339Nano)
	})
}
