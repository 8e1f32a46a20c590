package system

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// A script has the same effect with each command line of Temporal.
func TestScriptsHaveOneEffect(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]func(*testing.T, scripts) string{
		"list": listEffect, "show": showEffect, "export": exportEffect, "follow a redrive": followEffect,
		"signal one": signalEffect, "signal many": signalManyEffect, "hold": holdEffect, "give up": giveUpEffect,
		"reset one": resetEffect, "reset many": resetManyEffect,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := ""
			for _, program := range scriptPrograms {
				t.Run(program, func(t *testing.T) {
					got := effect(t, newScripts(t, program))
					if first == "" {
						first = got
					}
					require.Equal(t, first, got)
				})
			}
		})
	}
}

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	times  = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`)
	digits = regexp.MustCompile(`\d{12}`)
)

// withoutNames is a text without what is another in each payment.
func withoutNames(text string) string {
	return digits.ReplaceAllString(times.ReplaceAllString(uuids.ReplaceAllString(text, "ID"), "TIME"), "PROVIDER-ID")
}

func listEffect(t *testing.T, s scripts) string {
	key, id := key(t)
	create(t, key)
	eventually(t, func() bool { return len(listed(t, theRuns(id)+` AND PaymentStatus = "pending"`)) == 1 }, "it is listed")
	require.Equal(t, id+"\n", s.run(t, "list", "--status", "pending", "--query", theRuns(id), "--ids"))
	require.Equal(t, "1\n", s.run(t, "list", "--query", theRuns(id), "--count"))
	require.Empty(t, s.run(t, "list", "--status", "approved", "--query", theRuns(id), "--ids"))
	require.Equal(t, id+"\n", s.run(t, "list", "--view", "open", "--query", theRuns(id), "--ids", "--limit=1"))
	return withoutNames(s.run(t, "list", "--query", theRuns(id)))
}

func showEffect(t *testing.T, s scripts) string {
	key, id := key(t)
	create(t, key)
	shown := s.run(t, "show", "payment/"+id)
	require.Equal(t, withoutNames(shown), withoutNames(s.run(t, "show", id)), "with and without payment/")
	require.Contains(t, shown, "**Waiting for the buyer** to pay")
	return onePath.ReplaceAllString(withoutNames(shown), "")
}

// onePath are the lines that differ when the first attempt to charge was too slow, and another one was made.
var onePath = regexp.MustCompile(`(?m)^  (events|TemporalChangeVersion) .*\n`)

func exportEffect(t *testing.T, s scripts) string {
	key, id := key(t)
	create(t, key)
	s.run(t, "export", id, "--output", "history.json")
	file := filepath.Join(s.dir, "history.json")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	codec, err := shared.Codec() // tctl writes payloads as they are stored
	require.NoError(t, err)
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: codec.DataConverter()})
	require.NoError(t, err)
	replayer.RegisterWorkflow(workflows.Payment)
	require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), file))
	s.refused(t, 1, "history.json exists", "export", id, "--output", "history.json")
	return "replayed"
}

func followEffect(t *testing.T, s scripts) string {
	key, _ := key(t)
	create(t, key)
	other := startUnderAnothersKey(t, key)
	eventually(t, func() bool { return deadLetters(t, other, deadletter.CauseContradiction, deadletter.Open) == 1 }, "a dead letter")
	var out output
	require.NoError(t, cli.Run(within(t), []string{"dead-letters", "redrive", "--payment", other, "--dry-run", "--actor", "ana", "--reason", "test"}, operatorEnv(), &out))
	redrive := uuids.FindString(out.String())
	s.refused(t, 1, "not found", "follow-redrive", other)
	lines := strings.Split(strings.TrimSpace(s.run(t, "follow-redrive", redrive)), "\n")
	return lines[len(lines)-1]
}

func signalEffect(t *testing.T, s scripts) string {
	key, _ := key(t)
	id := createUnheard(t, key)
	require.Contains(t, s.run(t, "signal", "look", id, "--dry-run"), "--"+map[string]string{"temporal": "signal-name", "tctl": "name"}[s.program]+" look")
	require.Zero(t, signals(t, id), "a dry run changes nothing")
	s.run(t, "signal", "look", id)
	awaitApproved(t, id)
	return fmt.Sprint(signals(t, id))
}

// signals counts the signals to a payment's newest run.
func signals(t *testing.T, id string) int {
	return strings.Count(temporal(t, "workflow", "show", "--workflow-id", "payment/"+id), "WorkflowExecutionSignaled")
}

func signalManyEffect(t *testing.T, s scripts) string {
	key, _ := key(t)
	ids := []string{createUnheard(t, key+"-1"), createUnheard(t, key+"-2")}
	open := []string{"signal", "look", "--query", theRuns(ids...)}
	_, none, code := s.try(t, "signal", "look", "--query", theRuns("none"))
	require.Zero(t, code, none)
	require.Equal(t, "no open payment matches\n", none)
	require.Equal(t, "0\n", s.run(t, "list", "--query", theRuns("none"), "--count"))
	eventually(t, func() bool { return len(listed(t, theRuns(ids...))) == 2 }, "both are listed")
	require.Equal(t, "2\n", s.run(t, "list", "--query", theRuns(ids...), "--count"))
	s.refused(t, 1, "signal look: 2 payments\nContinue? yes/no signal: not confirmed, nothing was changed", open[0], open[1:]...)
	require.Contains(t, s.run(t, open[0], append(open[1:], "--dry-run")...), " workflow signal --query ")
	s.refused(t, 1, "not confirmed", "signal", append([]string{"look"}, ids...)...)
	for _, id := range ids {
		require.Zero(t, signals(t, id))
	}
	_, errs, code := s.try(t, open[0], append(open[1:], "--yes")...)
	require.Zero(t, code, errs)
	for _, id := range ids {
		awaitApproved(t, id)
	}
	return regexp.MustCompile(`(?m)^0 of 2\n`).ReplaceAllString(withoutNames(errs), "")
}

// holdEffect holds by a batch, and releases one.
func holdEffect(t *testing.T, s scripts) string {
	key, _ := key(t)
	id := createUnheard(t, key)
	by := []string{"--actor", "ana", "--reason", `wrong "price"`}
	eventually(t, func() bool { return len(listed(t, theRuns(id))) == 1 }, "it is listed")
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s.run(t, "signal", append(by, "hold", "--query", theRuns(id), "--until", until)...)
	eventually(t, func() bool { return len(listed(t, theRuns(id)+` AND PaymentHold = "held"`)) == 1 }, "it is held")
	require.Equal(t, id+"\n", s.run(t, "list", "--view", "held", "--query", theRuns(id), "--ids"))
	s.run(t, "signal", append(by, "release", id)...)
	awaitApproved(t, id)
	return audited(t, id)
}

// audited is what the audit has of a payment.
func audited(t *testing.T, id string) string {
	var out output
	require.NoError(t, cli.Run(within(t), []string{"audit", "list", "--object", "payment/" + id}, operatorEnv(), &out))
	return withoutNames(out.String())
}

func giveUpEffect(t *testing.T, s scripts) string {
	key, id := key(t)
	arm(t, simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusServiceUnavailable, ExternalReference: id})
	accept(t, key, "wait=1")
	s.run(t, "signal", "give_up", id, "--actor", "ana", "--reason", "the shop has cancelled")
	_, err := shared.Shops[0].Await(within(t), id, "unknown")
	require.NoError(t, err)
	return audited(t, id)
}

func resetEffect(t *testing.T, s scripts) string {
	key, id := key(t)
	p := create(t, key)
	by := []string{"--actor", "ana", "--reason", "a test"}
	s.run(t, "reset", append(by, id, "--event", "4", "--dry-run")...)
	s.refused(t, 1, "last event ID", "reset", append(by, id, "--event", "4000")...)
	require.Equal(t, "1\n", s.run(t, "list", "--query", theRuns(id), "--count"))
	s.run(t, "reset", append(by, id, "--event", "4", "--exclude", "All")...)
	eventually(t, func() bool { return len(listed(t, theRuns(id))) == 2 }, "a second run")
	require.Equal(t, "2\n", s.run(t, "list", "--query", theRuns(id), "--count"))
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	require.Equal(t, 1, charges(t, id))
	return resetReason(t, id) + audited(t, id)
}

// resetReason is why the newest run of a payment was begun by a reset.
func resetReason(t *testing.T, id string) string {
	reason := regexp.MustCompile(`ana: a test`).FindString(temporal(t, "workflow", "show", "--workflow-id", "payment/"+id, "--output", "json"))
	require.NotEmpty(t, reason)
	return reason
}

func resetManyEffect(t *testing.T, s scripts) string {
	key, _ := key(t)
	var ids []string
	for _, n := range []string{"-1", "-2"} {
		ids = append(ids, create(t, key+n).ID)
	}
	many := []string{"--status", "pending", "--query", theRuns(ids...), "--type", "FirstWorkflowTask", "--actor", "ana", "--reason", "a test"}
	eventually(t, func() bool { return len(listed(t, theRuns(ids...)+` AND PaymentStatus = "pending"`)) == 2 }, "both are listed")
	require.Equal(t, 2, strings.Count(s.run(t, "reset", append(many, "--dry-run")...), " workflow reset "))
	s.refused(t, 1, "reset: 2 payments", "reset", many...)
	require.Equal(t, "2\n", s.run(t, "list", "--query", theRuns(ids...), "--count"))
	_, errs, code := s.try(t, "reset", append(many, "--yes")...)
	require.Zero(t, code, errs)
	for _, id := range ids {
		p, err := shared.Shops[0].Payment(within(t), id)
		require.NoError(t, err)
		require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
		awaitApproved(t, id)
		require.Equal(t, 1, charges(t, id))
		resetReason(t, id)
	}
	return errs
}
