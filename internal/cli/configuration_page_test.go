package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table of settings in the docs is what `onlywave config` prints.
func TestTheDocumentedSettingsAreThePrograms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	require.NoError(t, err)
	_, rest, begun := strings.Cut(string(page), "<!-- config: begin -->\n")
	table, _, ended := strings.Cut(rest, "<!-- config: end -->")
	require.True(t, begun && ended)

	var printed bytes.Buffer
	require.NoError(t, Run(t.Context(), []string{"config"}, nil, &printed))
	require.Equal(t, printed.String(), table)
}
