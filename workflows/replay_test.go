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
			require.NoError(t, newReplayer().ReplayWorkflowHistoryFromJSONFile(quietLog(), file))
		})
	}
}

// newReplayer replays every workflow of the worker.
func newReplayer() worker.WorkflowReplayer {
	replayer := worker.NewWorkflowReplayer()
	Register(replayer, true)
	return replayer
}

func quietLog() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }
