package build

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A test is built from no commit, so that its id is a hash, which another build does not have.
func TestAProgramWithoutACommitIsNamedByItsHash(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^(binary-|[0-9a-f]{12}-modified-)?[0-9a-f]{12}$`, ID())
}
