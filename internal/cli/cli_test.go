package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// A script must not take a mistyped command for one that succeeded.
func TestAMistypedCommandFails(t *testing.T) {
	for _, typed := range [][]string{{"prnue"}, {"reconcile", "nwo"}, {"keys", "make"}, {"prune", "now"}} {
		var out bytes.Buffer
		require.ErrorContains(t, Run(t.Context(), typed, nil, &out), "unknown command", typed)
	}
	var out bytes.Buffer
	require.NoError(t, Run(t.Context(), []string{"reconcile"}, nil, &out))
	require.Contains(t, out.String(), "findings")
}

func TestTheHelpSaysWhatEachFlagTakes(t *testing.T) {
	var check func(*cobra.Command)
	check = func(c *cobra.Command) {
		require.NotEmpty(t, c.Short, c.CommandPath())
		for line := range strings.Lines(c.LocalFlags().FlagUsages()) {
			require.Regexp(t, `--\S+ .*[a-z]{3}`, line, c.CommandPath())
			switch words := strings.Fields(line); words[1] {
			case "int":
				require.Regexp(t, `from \d+ to \d+`, line, c.CommandPath())
			case "duration":
				require.Regexp(t, `such as \d+s`, line, c.CommandPath())
			}
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(Root(nil, io.Discard))
}
