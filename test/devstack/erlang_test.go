package devstack

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func evaluate(t *testing.T, stack *Stack) {
	require.NoError(t, stack.RabbitMQEval(t.Context(), "onlywave@localhost = node()"))
	require.ErrorContains(t, stack.RabbitMQEval(t.Context(), "elsewhere = node()"), "badmatch")
	require.ErrorContains(t, stack.RabbitMQEval(t.Context(), "no expression"), "evaluate")
}
