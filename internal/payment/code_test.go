package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFailureCodeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	require.Len(t, failures, len(FailureCodes()))
	for _, code := range FailureCodes() {
		require.NotEmpty(t, code.Message(), code)
		require.False(t, code.NeedsOperator() && code.Pointer() != "", "%s: nobody else can put it right", code)
	}
}
