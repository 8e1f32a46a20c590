package system

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/cli"
	"github.com/onlywave/onlywave/workflows"
)

// The preview of a paid payment names every point at which it can be reset, with the command for it. Each command is typed as it
// stands, with and without the signals and updates: the payment stays approved, and is charged once.
func TestAPaymentIsResetWhereThePreviewSays(t *testing.T) {
	t.Parallel()
	key, id := key(t)
	p := create(t, key)
	require.NoError(t, shared.Provider.Pay(within(t), p.Provider.PaymentID))
	awaitApproved(t, id)
	eventually(t, func() bool { return found(t, id, `WorkflowId = "payment/`+id+`" and ExecutionStatus = "Completed"`) }, "its run ends")

	var out output
	require.NoError(t, cli.Run(within(t), []string{"reset-preview", "payment/" + id, "--output", "json"}, operatorEnv(), &out))
	var preview workflows.ResetPreview
	require.NoError(t, json.Unmarshal([]byte(out.String()), &preview))
	require.GreaterOrEqual(t, len(preview.Points), 2)
	require.True(t, preview.Points[0].Money.MayMove)
	require.False(t, preview.Points[1].Money.MayMove)
	for _, point := range preview.Points {
		for _, without := range []string{"", " --reapply-exclude All"} {
			c := exec.CommandContext(within(t), "bash", "-euc", point.Command+without)
			c.Env = terminal(t)
			printed, err := c.CombinedOutput()
			require.NoError(t, err, string(printed))
			eventually(t, func() bool { return completed(t, id) }, "the run ends after "+point.Command+without)
			require.Equal(t, []string{"processing", "pending", "approved"}, history(t, id))
			require.Equal(t, 1, charges(t, id))
		}
	}

	require.NoError(t, cli.Run(within(t), []string{"reset-preview", id, "--run-id", preview.RunID}, operatorEnv(), &out))
	require.Contains(t, out.String(), preview.Points[0].Command)
	require.ErrorContains(t, cli.Run(within(t), []string{"reset-preview", id, "--run-id", "x"}, operatorEnv(), &out), "the run id is not a UUID")
	require.ErrorContains(t, cli.Run(within(t), []string{"reset-preview", "of-nobody"}, operatorEnv(), &out), "Temporal has no such run")
}
