//go:build tctl

package system

import (
	"strings"
	"testing"
)

func init() { scriptPrograms = append(scriptPrograms, "tctl") }

// What tctl lacks is refused before anything is changed.
func TestScriptsSayWhatNeedsTemporal(t *testing.T) {
	t.Parallel()
	s := newScripts(t, "tctl")
	_, id := key(t)
	for _, line := range []string{
		"activity pause " + id, "activity unpause --status processing", "activity retry " + id,
		"throttle show", "throttle set 5 --actor ana --reason test", "throttle unset --actor ana --reason test",
		"drain --version 1.4.2", "reset " + id + " --event 4 --exclude Signal --actor ana --reason test", "signal look --status unknown --rps 5",
		"signal look " + id, // a run would have to be started
	} {
		words := strings.Fields(line)
		s.refused(t, wrongUsage, "needs temporal: tctl cannot ", words[0], words[1:]...)
	}
}
