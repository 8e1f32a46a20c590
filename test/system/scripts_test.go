package system

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
	"github.com/onlywave/onlywave/workflows"
)

// scriptPrograms are the command lines that the operators' scripts are tested with: with the build tag tctl, tctl too.
var scriptPrograms = []string{"temporal"}

// wrongUsage is the scripts' exit code for wrong arguments, and for what tctl cannot do.
const wrongUsage = 64

// scripts runs the operators' scripts with one command line of Temporal, from a folder that is not the repository's.
type scripts struct {
	program, dir string
	env          []string
}

func newScripts(t *testing.T, program string) scripts {
	return scripts{program: program, dir: t.TempDir(), env: append(terminal(t), "TEMPORAL_CLI="+program, "USER=test", shared.CodecSetting())}
}

// With the keys alone a command reads what Temporal stores through `onlywave codec`, and a script finds its way to it by itself.
func TestTheKeysAreEnoughToReadHistories(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	create(t, key)
	s := newScripts(t, "temporal")
	s.env = slices.DeleteFunc(s.env, func(setting string) bool { return setting == shared.CodecSetting() })
	require.Contains(t, s.run(t, "show", id), "Waiting for the buyer")
	show := []string{"temporal", "workflow", "show", "--workflow-id", "payment/" + id, "--output", "json"}
	command := func(args ...string) string {
		c := exec.CommandContext(within(t), "env", args...)
		c.Env = s.env
		output, err := c.Output()
		require.NoError(t, err)
		return string(output)
	}
	input := base64.StdEncoding.EncodeToString([]byte(`{"payment_id":"`)) // how the run's input begins
	require.False(t, strings.Contains(command(show...), input))
	require.True(t, strings.Contains(command(append([]string{"onlywave", "codec"}, show...)...), input))
}

// try runs a script with nothing on its standard input.
func (s scripts) try(t *testing.T, name string, args ...string) (output, errs string, code int) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("scripts", "ops", name))
	require.NoError(t, err)
	c := exec.CommandContext(within(t), path, args...)
	var out, problems bytes.Buffer
	c.Dir, c.Env, c.Stdout, c.Stderr = s.dir, s.env, &out, &problems
	err = c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), problems.String(), exit.ExitCode()
	}
	require.NoError(t, err)
	return out.String(), problems.String(), 0
}

func (s scripts) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, errs, code := s.try(t, name, args...)
	require.Zero(t, code, "%s %v\n%s%s", name, args, output, errs)
	return output
}

func (s scripts) refused(t *testing.T, code int, says, name string, args ...string) {
	t.Helper()
	output, errs, got := s.try(t, name, args...)
	require.Equal(t, code, got, "%s %v\n%s%s", name, args, output, errs)
	require.Contains(t, errs, says)
}

// theRuns is a list filter for the runs of payments.
func theRuns(ids ...string) string {
	return fmt.Sprintf(`WorkflowId IN ("payment/%s")`, strings.Join(ids, `", "payment/`))
}

// createUnheard makes a payment that is paid, of which no webhook comes: only a look finds out.
func createUnheard(t *testing.T, key string) (id string) {
	id = payment.NewID("demo", key)
	arm(t, simulator.Fault{On: simulator.Webhook, Kind: simulator.KindLost, ExternalReference: id})
	require.NoError(t, shared.Provider.Pay(within(t), create(t, key).Provider.PaymentID))
	return id
}

// A refund by script is made once for its key, also when the payment's run has ended.
func TestAScriptRefundsOnce(t *testing.T) {
	t.Parallel()
	id, _ := paid(t)
	s := newScripts(t, "temporal")
	for range 2 {
		s.run(t, "signal", "refund", id, "--amount", "400", "--key", "INC-42", "--actor", "ana", "--reason", "one item came back")
	}
	_, err := shared.Shops[0].Await(within(t), id, "partially_refunded")
	require.NoError(t, err)
	s.run(t, "signal", "refund", id, "--all", "--key", "INC-43", "--actor", "ana", "--reason", "the rest came back")
	_, err = shared.Shops[0].Await(within(t), id, "refunded")
	require.NoError(t, err)
	sum, n := given(t, id)
	require.Equal(t, []any{int64(1050), 2}, []any{sum, n})
}

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

// A settled payment has no open run: the script starts one that looks.
func TestTheSignalScriptStartsARunWhereNoneIsOpen(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	key, id := key(t)
	require.NoError(t, shared.Provider.Pay(within(t), create(t, key).Provider.PaymentID))
	awaitApproved(t, id)
	ended := theRuns(id) + ` AND ExecutionStatus = "Completed"`
	eventually(t, func() bool { return len(listed(t, ended)) == 1 }, "the run has ended")
	s.refused(t, 1, "no open run", "signal", "hold", id, "--actor", "ana", "--reason", "test")
	s.run(t, "signal", "look", id)
	eventually(t, func() bool { return len(listed(t, ended)) == 2 }, "another run has looked")
	require.Equal(t, "2\n", s.run(t, "list", "--query", ended, "--count"))
	require.Equal(t, []string{"processing", "pending", "approved"}, history(t, id))
}

// A charge that fails waits for its next attempt: operators pause it, and make it at once.
func TestTheActivityScript(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	key, id := key(t)
	refuseToken(t, id, 8) // so that the charge still waits when the retry comes, also on a busy machine
	accept(t, key, "wait=1")
	shows := func(text string) func() bool {
		return func() bool { return strings.Contains(s.run(t, "show", id), text) }
	}
	eventually(t, shows("Charge "), "the charge waits")
	require.Contains(t, s.run(t, "activity", "pause", id, "--dry-run", "--actor", "ana", "--reason", "a test"), "activity pause --workflow-id payment/"+id+" --activity-id ")
	by := []string{"--actor", "ana", "--reason", "a test"}
	s.refused(t, 1, "no Look activity is pending", "activity", append(by, "pause", id, "--type", "Look")...)
	s.run(t, "activity", append(by, "pause", id, "--type", "Charge")...)
	eventually(t, shows("paused, attempt"), "it is paused")
	s.run(t, "activity", append(by, "unpause", "payment/"+id)...)
	require.NotContains(t, s.run(t, "show", id), "paused")
	_, _, _ = s.try(t, "activity", append(by, "retry", id)...) // nothing is pending when the error is over by now
	_, err := shared.Shops[0].Await(within(t), id, "pending")
	require.NoError(t, err)
	s.refused(t, 1, "no activity is pending", "activity", append(by, "pause", id)...)
	for _, action := range []string{"activity.pause", "activity.unpause", "activity.retry"} {
		require.Contains(t, audited(t, id), action)
	}
	require.Equal(t, 1, charges(t, id))
}

// What cannot be written to the audit is not done, unless the operator says so.
func TestScriptsDoNothingWithoutTheAudit(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	s.env = append(s.env, "DATABASE_URL=postgres://onlywave@127.0.0.1:1/onlywave?sslmode=disable")
	key, id := key(t)
	create(t, key)
	reset := []string{id, "--type", "FirstWorkflowTask", "--actor", "ana", "--reason", "a test"}
	s.refused(t, 1, "not done, because the audit could not be written", "reset", reset...)
	require.Equal(t, "1\n", s.run(t, "list", "--query", theRuns(id), "--count"))
	s.run(t, "reset", append(reset, "--without-audit")...)
	eventually(t, func() bool { return len(listed(t, theRuns(id))) == 2 }, "it is reset")
}

// The limit is far above what the tests need.
func TestTheThrottleScript(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	by := []string{"--actor", "ana", "--reason", "a test"}
	require.Contains(t, s.run(t, "throttle", append(by, "set", "90000", "--dry-run")...), "task-queue config set")
	require.Equal(t, "no limit\n", s.run(t, "throttle", "show"))
	require.Contains(t, s.run(t, "throttle", append(by, "set", "90000")...), "90000 activities a second")
	require.Contains(t, s.run(t, "throttle", "show"), "ana: a test")
	require.Equal(t, "no limit\n", s.run(t, "throttle", append(by, "unset")...))
}

// The script ends a worker cleanly while another one takes its work, and not the last one.
func drainEach(t *testing.T, p *platform.Platform) {
	s := newScripts(t, "temporal")
	s.env = append(s.env, "TEMPORAL_ADDRESS="+p.Stack.TemporalAddress(), "DATABASE_URL="+p.Stack.PostgresURL())
	first, last := fmt.Sprint(p.Workers[0].PID()), fmt.Sprint(p.Workers[1].PID())
	by := []string{"--actor", "ana", "--reason", "a test", "--pid"}
	require.Contains(t, s.run(t, "drain", append(by, first, "--dry-run")...), "kill -TERM "+first+"\n")
	_, errs, code := s.try(t, "drain", append(by, first)...)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "1 other workers take tasks")
	<-p.Workers[0].Exited()
	s.refused(t, 1, "no other worker takes tasks", "drain", append(by, last)...)
	_, err := p.Shops[0].Create(within(t), t.Name(), 1050)
	require.NoError(t, err)
	require.NoError(t, p.Workers[0].Restart(t.Context()))
}
