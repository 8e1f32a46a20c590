package system

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
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
