package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program that holds the provider's token contains no test tools and no fault injection.
func TestTheProductHasNothingOfTheLab(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}", ".")
	command.Dir = "../.."
	packages, err := command.Output()
	require.NoError(t, err)
	require.Contains(t, string(packages), "github.com/onlywave/onlywave/internal/cli\n")
	for path := range strings.Lines(string(packages)) {
		for _, foreign := range []string{"onlywave/onlywave/test", "toxiproxy", "qrterminal", "chromedp", "compose-go"} {
			require.NotContains(t, path, foreign)
		}
	}
}
