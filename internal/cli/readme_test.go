package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's table of settings is what `onlywave config` prints.
func TestTheREADMEsSettingsAreThePrograms(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, rest, begun := strings.Cut(string(readme), "<!-- config: begin -->\n")
	table, _, ended := strings.Cut(rest, "<!-- config: end -->")
	require.True(t, begun && ended)

	var printed bytes.Buffer
	require.NoError(t, Run(t.Context(), []string{"config"}, nil, &printed))
	require.Equal(t, printed.String(), table)
}
