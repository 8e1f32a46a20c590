package drills

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/onlywave/onlywave/test/platform"
)

// The keys of the drill: 32 bytes each, in base64.
const (
	oldKey = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	newKey = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

const payloadKeys = "TEMPORAL_PAYLOAD_KEYS"

// keyRotation changes the key of Temporal's payloads as docs/encryption.md says.
var keyRotation = []Drill{{
	Name: "key-rotation", Shows: "The key that encrypts what Temporal stores is changed under load, one process after the other, and the old key is removed: every payment finishes, and no workflow task fails.",
	Settings: map[string]string{payloadKeys: oldKey}, Lasts: 100 * time.Second, EachEnds: true,
	Strike: []Act{withKeys(oldKey, newKey), withKeys(newKey, oldKey), encryptSchedulesAgain, oldPaymentsEnd, withKeys(newKey), reconcileNow},
	Expect: []Expectation{everyClientIsAnswered, noTaskFails},
}}

// withKeys gives each api and worker the keys, one after the other.
func withKeys(keys ...string) Act {
	return func(ctx context.Context, s *Scene) error {
		s.Set(payloadKeys, strings.Join(keys, ","))
		s.progress("%d keys, the first is %.2s", len(keys), keys[0])
		return rollingRestart(ctx, s)
	}
}

func encryptSchedulesAgain(ctx context.Context, s *Scene) error { return s.Migrate(ctx) }

func reconcileNow(ctx context.Context, s *Scene) error {
	_, err := s.Operate(ctx, "onlywave", "reconcile")
	return err
}

// oldPaymentsEnd waits until no payment and no checkout runs that was begun before: what it was begun with is under the old key.
func oldPaymentsEnd(ctx context.Context, s *Scene) error {
	temporal, err := s.Temporal()
	if err != nil {
		return err
	}
	defer temporal.Close()
	query := fmt.Sprintf(`WorkflowType IN ("Payment", "Checkout") AND ExecutionStatus = "Running" AND StartTime < %q`, time.Now().UTC().Format(time.RFC3339Nano))
	for {
		left, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		if err == nil && left.GetCount() == 0 {
			return nil
		}
		s.progress("%d payments of the old key are open", left.GetCount())
		if !platform.Pause(ctx, 2*time.Second) {
			return fmt.Errorf("%d payments of the old key are still open: %w", left.GetCount(), ctx.Err())
		}
	}
}

// noTaskFails: each worker could read each payload that it met.
func noTaskFails(ctx context.Context, s *Scene) ([]Objection, error) {
	temporal, err := s.Temporal()
	if err != nil {
		return nil, err
	}
	defer temporal.Close()
	var objections []Objection
	read := 0
	for _, run := range s.Evidence.Workflows {
		if run.Started.Before(s.Began) {
			continue
		}
		read++
		failed, err := failedTask(ctx, temporal, run)
		if err != nil {
			return nil, err
		}
		if failed != "" {
			objections = append(objections, object("no workflow task fails", "", "%s: %s", run.ID, failed))
		}
	}
	s.remark("no workflow task failed in %d runs", read)
	return objections, nil
}

func failedTask(ctx context.Context, temporal client.Client, run Workflow) (why string, err error) {
	events := temporal.GetWorkflowHistory(ctx, run.ID, run.RunID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return "", fmt.Errorf("read the history of %s: %w", run.ID, err)
		}
		task := event.GetWorkflowTaskFailedEventAttributes()
		if task.GetCause() == enums.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE {
			return task.GetFailure().GetMessage(), nil
		}
	}
	return "", nil
}
