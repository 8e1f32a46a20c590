package workflows

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
)

// Every history ever recorded must replay through today's code: what is in flight will.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/histories/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflow(Payment)
			replayer.RegisterWorkflow(Email)
			replayer.RegisterWorkflow(Redrive)
			replayer.RegisterWorkflow(Reconcile)
			replayer.RegisterWorkflow(SignalQuiet)
			replayer.RegisterWorkflow(ReopenStranded)
			replayer.RegisterWorkflow(AlertFindings)
			replayer.RegisterWorkflow(Prune)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), file))
		})
	}
}
