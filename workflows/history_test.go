package workflows

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
)

func recordedEvents(t *testing.T, name string) []*history.HistoryEvent {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "histories", name+".json"))
	require.NoError(t, err)
	defer file.Close()
	recorded, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	require.NoError(t, err)
	return recorded.GetEvents()
}

// stepsOf reads a recorded history as RunsOf reads one of Temporal.
func stepsOf(t *testing.T, name string) *historyReader {
	t.Helper()
	reader := &historyReader{limit: 100}
	for _, e := range recordedEvents(t, name) {
		reader.read(e)
	}
	return reader
}

// tell is a step in short.
func tell(s Step) string {
	words := []string{string(s.Kind), s.Name}
	switch {
	case s.Kind == StepCall && s.Found:
		words = append(words, string(s.Provider.Status))
	case s.Kind == StepCall:
		words = append(words, "not found")
	}
	if s.Attempts > 1 {
		words = append(words, fmt.Sprint("attempt ", s.Attempts))
	}
	if s.Quick && s.Kind == StepFailed {
		words = append(words, "quick")
	}
	for _, more := range []string{s.Failure, s.Words.Actor, s.Words.Reason} {
		if more != "" {
			words = append(words, more)
		}
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestTheStepsOfARunAreReadFromItsHistory(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"approved": {"update create", "call Charge pending", "signal look", "call Look approved"},
		"answer-lost": {
			"update create", "call Charge pending attempt 3 Mercado Pago did not answer", "signal look", "call Look approved",
		},
		"charge-became-an-activity": {
			"update create", "activity_failed Charge quick Mercado Pago did not answer", "call Charge pending", "signal look", "call Look approved",
		},
		"unknown-outcome": {
			"update create", "activity_failed Charge attempt 2 Mercado Pago knows no such payment", "signal look", "call Look approved",
		},
		"settled-by-an-operator": {
			"update create", "activity_failed Charge quick Mercado Pago knows no such payment", "update settle ana the panel has none",
			"call Look not found",
		},
		"contradiction": {
			"activity_failed Open quick the idempotency key belongs to another payment",
			"run_failed the idempotency key belongs to another payment",
		},
	} {
		var steps []string
		for _, s := range stepsOf(t, name).steps {
			steps = append(steps, tell(s))
		}
		require.Equal(t, want, steps, name)
	}
}

// A run that begins with a reset tells only what is its own: the run before tells the rest.
func TestTheStepsOfAResetRunBeginWithIt(t *testing.T) {
	t.Parallel()
	steps := stepsOf(t, "reset-to-the-first-task").steps
	require.Equal(t, StepReset, steps[0].Kind)
	require.Contains(t, steps[0].Failure, "replay")
	require.Equal(t, "update create", tell(steps[1]), "it is sent again")
}

func TestOnlyTheNewestStepsAreKept(t *testing.T) {
	t.Parallel()
	all := stepsOf(t, "answer-lost")
	require.False(t, all.cut)
	few := &historyReader{limit: 2}
	for _, e := range recordedEvents(t, "answer-lost") {
		few.read(e)
	}
	require.True(t, few.cut)
	require.Equal(t, all.steps[len(all.steps)-2:], few.steps)
}

// Every step in every recorded history has a time, and holds nothing of what the buyer pays with.
func TestEveryRecordedHistoryCanBeRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		for _, s := range stepsOf(t, strings.TrimSuffix(filepath.Base(file), ".json")).steps {
			require.False(t, s.At.IsZero(), file)
			require.NotContains(t, fmt.Sprintf("%+v", s), "000201", "%s: a Pix code", file)
		}
	}
}
