package platformtest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// places is how many platforms the tests of all packages run side by side, beside the one that the tests of test/system
// share: each platform is a dozen processes.
const places = 2

// TakePlace waits until a platform may start, and holds its place until the test ends. The places are locks on files, because
// `go test` runs each package in a process of its own; the kernel releases them if the process dies.
func TakePlace(t testing.TB) {
	t.Helper()
	for {
		for place := range places {
			if lock := tryPlace(t, place); lock != nil {
				t.Cleanup(func() { require.NoError(t, lock.Close()) })
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tryPlace is nil when another platform holds the place.
func tryPlace(t testing.TB, place int) *os.File {
	t.Helper()
	name := filepath.Join(os.TempDir(), fmt.Sprintf("onlywave-test-platform-%d-%d", os.Getuid(), place))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	require.NoError(t, err)
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		require.NoError(t, file.Close())
		return nil
	}
	return file
}
