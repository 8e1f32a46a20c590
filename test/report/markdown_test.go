package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeepWritesBetweenItsMarksOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(file, []byte("# A\n<!-- b: begin -->\nold\n<!-- b: end -->\nC\n"), 0o600))
	table := Table([]string{"drill", "outcome"}, [][]string{{"fire", "fine"}})
	for range 2 {
		require.NoError(t, Keep(file, "b", table))
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "# A\n<!-- b: begin -->\n| drill | outcome |\n|---|---|\n| fire | fine |\n<!-- b: end -->\nC\n", string(page))
	}
	require.ErrorContains(t, Keep(file, "d", table), "the marks of d are missing")
}
