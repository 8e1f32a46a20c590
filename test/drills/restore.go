package drills

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// recovery are drills on what operators do to workflow runs and to the database.
var recovery = []Drill{
	{
		Name: "run-cancelled", Shows: "When an operator cancels a run in the middle of a charge, another run follows and charges once.",
		Strike: []Act{chargesTake(time.Second), everyNow(time.Second, cancelCharges)}, Heal: []Act{disarm},
		// A cancel that comes just after the charge ends the run of a payment that waits for its buyer, and no client has to ask again.
		After:  []Act{postAgain, resetCancelled},
		Expect: []Expectation{everyClientIsAnswered, runsWereCancelled},
	},
	{
		Name: "restored-from-backup", Shows: "The database is restored from an older backup: the lost payments are written again, and none is charged or refunded twice although the provider has forgotten every key.",
		Lasts: 14 * time.Second, Refund: 0.5, Strike: []Act{backUp, forAWhile, restoreBackup}, Heal: []Act{recoverFromRestore}, After: []Act{postAgain, refundAgain, disarm},
		// Its own settings give the drill its own platform, because the database stays behind.
		Settings: map[string]string{"SEARCH_BEFORE_CHARGE_UNTIL": "2026-01-01T00:00:00Z"},
		Expect:   []Expectation{everyClientIsAnswered, paymentsWereLost},
	},
}

// backup is what a drill knows about a backup and its restore.
type backup struct {
	file     string
	taken    time.Time
	restored time.Time
	lost     int // payments that were written between the two
}

// covers says whether what happened at a moment may be lost. Webhooks are written in batches, some time after they arrive.
func (b backup) covers(t time.Time) bool {
	const written = 10 * time.Second
	return !b.restored.IsZero() && t.After(b.taken.Add(-written)) && t.Before(b.restored)
}

// backUp takes a backup under load.
func backUp(ctx context.Context, s *Scene) error {
	s.backup = backup{file: filepath.Join(s.Logs, "onlywave.dump"), taken: time.Now()}
	return s.Stack.Dump(ctx, s.backup.file)
}

// restoreBackup stops the api and worker processes, restores the database, and makes the provider forget every key.
func restoreBackup(ctx context.Context, s *Scene) error {
	var group errgroup.Group
	for _, p := range s.parts() {
		group.Go(p.Stop)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	err := s.inDatabase(ctx, `select count(*) from payments where created_at >= $1`, &s.backup.lost, s.backup.taken)
	if err != nil {
		return err
	}
	if err := s.Stack.Restore(ctx, s.backup.file); err != nil {
		return err
	}
	s.backup.restored = time.Now()
	s.progress("the restored database is %s old, and %d payments are lost", time.Since(s.backup.taken).Round(time.Second), s.backup.lost)
	return s.Provider.Arm(ctx, simulator.Fault{On: simulator.Create, Kind: simulator.KindForgottenKey}, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindForgottenKey})
}

// recoverFromRestore is what docs/operations.md says under "After a restore of the database".
func recoverFromRestore(ctx context.Context, s *Scene) error {
	if err := flushRedis(ctx, s); err != nil {
		return err
	}
	reconciling := `WorkflowType = "Reconcile" and ExecutionStatus = "Running" and StartTime < "` + s.backup.restored.UTC().Format(time.RFC3339Nano) + `"`
	if err := s.batch(ctx, "workflow", "terminate", "--query", reconciling, "--reason", "restore", "--yes"); err != nil {
		return err
	}
	if err := s.awaitEnded(ctx, reconciling); err != nil {
		return err
	}
	for _, p := range s.Workers {
		p.Setenv("SEARCH_BEFORE_CHARGE_UNTIL", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}
	group, starting := errgroup.WithContext(ctx)
	for _, p := range s.parts() {
		group.Go(func() error { return p.Restart(starting) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	ended := ` and ExecutionStatus != "Running" and CloseTime >= "` + s.backup.taken.UTC().Format(time.RFC3339) + `"`
	for _, command := range [][]string{
		{"reset", "--type", "FirstWorkflowTask", "--query", `WorkflowType = "Payment"` + ended + " and PaymentAsked is null"},
		{"reset", "--type", "FirstWorkflowTask", "--query", `WorkflowType = "Payment"` + ended + " and PaymentAsked = true"},
		{"signal", "--name", "look", "--query", `WorkflowType = "Payment" and ExecutionStatus = "Running"`},
		{"reset", "--type", "FirstWorkflowTask", "--query", `WorkflowType = "Checkout"` + ended},
		{"signal", "--name", "look", "--query", `WorkflowType = "Checkout" and ExecutionStatus = "Running"`},
	} {
		if err := s.batch(ctx, append([]string{"workflow"}, append(command, "--reason", "restore", "--yes")...)...); err != nil {
			return err
		}
	}
	return nil
}

// cancelCharges cancels the runs that are in the middle of a charge, as far as Temporal's list shows them.
func cancelCharges(ctx context.Context, s *Scene) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: s.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(quiet)})
	if err != nil {
		return err
	}
	defer temporal.Close()
	charging, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Query: `WorkflowType = "Payment" and ExecutionStatus = "Running" and PaymentStatus = "processing"`,
	})
	if err != nil {
		return err
	}
	for _, run := range charging.Executions {
		err := temporal.CancelWorkflow(ctx, run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId())
		if _, over := errors.AsType[*serviceerror.NotFound](err); err != nil && !over {
			return err
		}
		s.cancelled++
	}
	return nil
}

// resetCancelled is what docs/operations.md says under "When a run was cancelled or terminated", for each payment that no other run
// has followed.
func resetCancelled(ctx context.Context, s *Scene) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: s.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(quiet)})
	if err != nil {
		return err
	}
	defer temporal.Close()
	cancelled, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: `WorkflowType = "Payment" and ExecutionStatus = "Canceled"`})
	if err != nil {
		return err
	}
	for _, run := range cancelled.Executions {
		id := run.GetExecution().GetWorkflowId()
		last, err := temporal.DescribeWorkflow(ctx, id, "")
		if err != nil {
			return err
		}
		if last.RawResponse.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_CANCELED {
			continue
		}
		if err := s.batch(ctx, "workflow", "reset", "--workflow-id", id, "--type", "FirstWorkflowTask", "--reason", "cancelled"); err != nil {
			return err
		}
	}
	return nil
}

// runsWereCancelled: at least one run was really cancelled.
func runsWereCancelled(_ context.Context, s *Scene) ([]Objection, error) {
	ended := 0
	for _, run := range s.Evidence.Workflows {
		if run.Status == "Canceled" {
			ended++
		}
	}
	s.remark("%d runs asked to cancel, %d cancelled", s.cancelled, ended)
	if ended == 0 {
		return []Objection{object("runs are cancelled", "", "%d were asked to, and none did", s.cancelled)}, nil
	}
	return nil, nil
}

// inDatabase asks the database for one number.
func (s *Scene) inDatabase(ctx context.Context, query string, into *int, args ...any) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, query, args...).Scan(into)
}

// batch runs the operators' command line for many workflows at once. Temporal carries out one such command at a time, and refuses
// the next until then.
func (s *Scene) batch(ctx context.Context, args ...string) error {
	command, err := devstack.TemporalCommand()
	if err != nil {
		return err
	}
	for {
		output, err := exec.CommandContext(ctx, command, append(args, "--address", s.Stack.TemporalAddress())...).CombinedOutput()
		switch {
		case err == nil:
			return nil
		case !bytes.Contains(output, []byte("Max concurrent batch operations")) || !platform.Pause(ctx, 500*time.Millisecond):
			return fmt.Errorf("temporal %v: %w\n%s", args, err, output)
		}
	}
}

// awaitEnded waits until Temporal lists no workflow that a query finds.
func (s *Scene) awaitEnded(ctx context.Context, query string) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: s.Stack.TemporalAddress(), Logger: log.NewStructuredLogger(quiet)})
	if err != nil {
		return err
	}
	defer temporal.Close()
	for {
		found, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		switch {
		case err != nil:
			return err
		case found.GetCount() == 0:
			return nil
		case !platform.Pause(ctx, 200*time.Millisecond):
			return fmt.Errorf("%d workflows are left of %s: %w", found.GetCount(), query, ctx.Err())
		}
	}
}

// postAgain repeats each client's request under its key, as a client may that got no answer or was restarted.
func postAgain(ctx context.Context, s *Scene) error {
	var group errgroup.Group
	group.SetLimit(8)
	for n, i := range s.Log.Intents {
		if !i.Acknowledged {
			continue
		}
		group.Go(func() error {
			shop := s.entrances()[n%len(s.entrances())]
			if err := i.KeepCustomer(ctx, shop); err != nil {
				return err
			}
			answer, err := shop.Post(ctx, i.Key, i.Body, "Prefer", "wait=10")
			if err != nil {
				return err
			}
			if answer.Status/100 != 2 {
				return fmt.Errorf("the repeated request %s is answered %d %s", i.Key, answer.Status, answer.Body)
			}
			return nil
		})
	}
	return group.Wait()
}

// refundAgain repeats each refund that a client has been promised, under its key, in their order. A payment that is refunded as a whole takes
// no refund: the list shows the lost ones as the provider's.
func refundAgain(ctx context.Context, s *Scene) error {
	var group errgroup.Group
	group.SetLimit(8)
	for n, i := range s.Log.Intents {
		group.Go(func() error {
			for _, r := range i.Refunds {
				if !r.Acknowledged {
					continue
				}
				answer, err := s.entrances()[n%len(s.entrances())].Refund(ctx, i.PaymentID, r.Key, r.Body())
				if err != nil {
					return err
				}
				refunded := answer.Status == http.StatusConflict && bytes.Contains(answer.Body, []byte("the payment is refunded"))
				if answer.Status/100 != 2 && !refunded {
					return fmt.Errorf("the repeated refund %s is answered %d %s", r.Key, answer.Status, answer.Body)
				}
				s.again.Add(1)
			}
			return nil
		})
	}
	return group.Wait()
}

// paymentsWereLost: the restore really lost payments.
func paymentsWereLost(_ context.Context, s *Scene) ([]Objection, error) {
	s.remark("%d payments lost and written again; %d refunds asked for again", s.backup.lost, s.again.Load())
	if s.backup.lost == 0 || s.again.Load() == 0 {
		return []Objection{object("the restore loses payments and refunds", "", "none was written between backup and restore, or no refund was asked for again")}, nil
	}
	return nil, nil
}
