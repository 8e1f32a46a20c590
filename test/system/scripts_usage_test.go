package system

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/payment"
)

// Each script has a help with an example, and a row in the documentation.
func TestScriptsExplainThemselves(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	page, err := os.ReadFile("docs/operations.md")
	require.NoError(t, err)
	for _, name := range scriptNames(t) {
		help := s.run(t, name, "--help")
		require.Contains(t, help, "xample", name)
		require.Contains(t, help, "  "+name+" ", name)
		s.refused(t, wrongUsage, "unknown flag --nonsense", name, "--nonsense")
		require.Contains(t, string(page), "`"+name+" ", "the table of scripts")
	}
}

func scriptNames(t *testing.T) (names []string) {
	files, err := os.ReadDir("scripts/ops")
	require.NoError(t, err)
	for _, f := range files {
		if f.Name() != "lib.sh" {
			names = append(names, f.Name())
		}
	}
	require.NotEmpty(t, names)
	return names
}

func TestScriptsRefuseWrongUsage(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "temporal")
	_, id := key(t)
	for _, row := range []struct{ says, line string }{
		{"--status must be one of processing", "list --status nonsense"},
		{"there is no such view", "list --view nonsense"},
		{"--limit must be a whole number", "list --limit many"},
		{"is no payment id", "show 12345"},
		{"give one payment", "show"},
		{"the signal must be look", "signal settle " + id},
		{"--actor is needed", "signal hold " + id},
		{"--until must be like", "signal hold " + id + " --actor ana --reason test --until tomorrow"},
		{"--until belongs to hold", "signal release " + id + " --actor ana --reason test --until 2026-01-01T00:00:00Z"},
		{"--key is needed", "signal refund " + id + " --actor ana --reason test --all"},
		{"--amount or --all is needed", "signal refund " + id + " --actor ana --reason test --key k"},
		{"exclude each other", "signal refund " + id + " --actor ana --reason test --key k --all --amount 1"},
		{"at least 1 centavo", "signal refund " + id + " --actor ana --reason test --key k --amount 0"},
		{"belong to refund", "signal cancel " + id + " --actor ana --reason test --all"},
		{"must be keep or refund", "signal cancel " + id + " --actor ana --reason test --on-paid never"},
		{"which payments?", "signal look"},
		{"give either ids or", "signal look --status unknown " + id},
		{"ids from standard input need --yes", "signal look -"},
		{"--type is needed", "reset --actor ana --reason test " + id},
		{"--event is for one payment", "reset --actor ana --reason test --event 4 --status unknown"},
		{"--type must be FirstWorkflowTask", "reset --actor ana --reason test --type BuildId --status unknown"},
		{"--exclude must be Signal, Update or All", "reset --actor ana --reason test --exclude none --event 4 " + id},
		{"say pause, unpause or retry", "activity stop " + id},
		{"say show, set N or unset", "throttle set"},
		{"the limit must be a number", "throttle set few --actor ana --reason test"},
		{"is not a worker", fmt.Sprint("drain --actor ana --reason test --pid ", os.Getpid())},
		{"give either --pid or --version", "drain"},
		{"--actor is needed", fmt.Sprint("drain --pid ", os.Getpid())},
		{"--actor is needed", "activity pause " + id},
		{"--limit needs a value", "list --limit"},
	} {
		words := strings.Fields(row.line)
		s.refused(t, wrongUsage, row.says, words[0], words[1:]...)
	}
	s.env = append(s.env, "TEMPORAL_CLI=cadence")
	s.refused(t, wrongUsage, "TEMPORAL_CLI must be temporal or tctl", "list")
}

// The statuses that the scripts know are the platform's.
func TestScriptsKnowEveryStatus(t *testing.T) {
	t.Parallel()
	help := newScripts(t, "temporal").run(t, "list", "--help")
	var known []string
	for _, s := range payment.Statuses() {
		known = append(known, string(s))
	}
	require.Contains(t, help, "one of "+strings.Join(known, " ")+"\n")
}
