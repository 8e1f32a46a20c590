package failure

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFailureCodeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	require.Len(t, failures, len(Codes()))
	for _, code := range Codes() {
		require.NotEmpty(t, code.Message(), code)
		require.False(t, code.NeedsOperator() && code.Pointer() != "", "%s: the request cannot be corrected", code)
	}
}
