package devstack

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAThrowAwayFolderIsInMemoryOnlyWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	require.Greater(t, availableMemory(), uint64(1<<20))
	require.False(t, hasRoom(memoryFolder, math.MaxUint64))
	require.False(t, hasRoom("/proc", 0), "it is not a file system for files")
	require.False(t, hasRoom("/no/such/folder", 0))
	require.Contains(t, throwAwayParents(), throwAwayParent())
	require.Contains(t, throwAwayParents(), os.TempDir(), "the stacks of a time with less room")
}
