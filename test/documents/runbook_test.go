package documents

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/command"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

const (
	runbook    = "docs/runbook/"
	portuguese = "docs/runbook/pt-BR/"
)

// headings are those of a page of the runbook, by the folder of its language.
var headings = map[string][]string{
	runbook:    {"Means", "Look", "Do", "Know that it worked"},
	portuguese: {"O que significa", "O que olhar", "O que fazer", "Como saber que funcionou"},
}

// elsewhere are the programs that no platform of tests can run, and why.
var elsewhere = map[string]string{
	"export":  "it says which settings the commands need",
	"docker":  "the platform of tests runs without Docker",
	"kubectl": "the platform of tests runs without Kubernetes",
	"chronyc": "the machine of the tests may have no clock daemon",
	"tctl":    "its build takes minutes: make test-tctl runs it with the scripts",
}

// runbookPages are the pages of one language by their names, such as alerts/APISlow; README is the index.
func runbookPages(t *testing.T, folder string) map[string]Page {
	t.Helper()
	found := map[string]Page{}
	for file, p := range pages(t) {
		name, ok := strings.CutPrefix(file, folder)
		if ok && (folder == portuguese || !strings.HasPrefix(file, portuguese)) {
			found[strings.TrimSuffix(name, ".md")] = p
		}
	}
	return found
}

// severities are those of the alerts, by name.
func severities(t *testing.T) map[string]string {
	t.Helper()
	rules, err := os.ReadFile(filepath.Join(root, "deploy/prometheus/rules.yml"))
	require.NoError(t, err)
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)- alert: (\w+)\n.*?severity: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		found[m[1]] = m[2]
	}
	require.NotEmpty(t, found)
	return found
}

func TestEveryAlertCauseFindingAndCommandHasItsPage(t *testing.T) {
	t.Parallel()
	names := []string{"README"}
	for alert := range severities(t) {
		names = append(names, "alerts/"+alert)
	}
	for _, c := range deadletter.Causes() {
		names = append(names, "causes/"+string(c))
	}
	for _, k := range payment.FindingKinds() {
		names = append(names, "findings/"+string(k))
	}
	for _, e := range command.Catalogue() {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(e.Page(), runbook), ".md"))
	}
	names = append(names, "commands/reset") // Temporal's own
	for folder := range headings {
		require.ElementsMatch(t, names, slices.Collect(maps.Keys(runbookPages(t, folder))), folder)
	}
}

// The index links to every page, and a page has the headings in their order.
func TestThePagesOfTheRunbookAreBuiltAlike(t *testing.T) {
	t.Parallel()
	severity := severities(t)
	for folder, expected := range headings {
		all := runbookPages(t, folder)
		for name, p := range all {
			if name == "README" {
				continue
			}
			var found []string
			for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(p.Source, -1) {
				found = append(found, m[1])
			}
			require.Equal(t, expected, found, p.File)
			require.Contains(t, all["README"].Links, name+".md", p.File)
			if alert, ok := strings.CutPrefix(name, "alerts/"); ok {
				require.Contains(t, p.Source, "**"+severity[alert]+"**", "%s: the severity of the rules", p.File)
			}
		}
	}
}

// A command that no test runs may be wrong when it is needed: test/system runs those that are marked so.
func TestEveryCommandOfTheRunbookIsMarked(t *testing.T) {
	t.Parallel()
	for folder := range headings {
		for _, p := range runbookPages(t, folder) {
			for _, b := range p.Blocks {
				switch b.Info {
				case Runnable, Query:
				case Elsewhere:
					for line := range strings.Lines(b.Text) {
						program, _, _ := strings.Cut(line, " ")
						require.Contains(t, elsewhere, program, "%s:%d: a test can run it", p.File, b.Line)
					}
				default:
					t.Errorf("%s:%d: the block is marked %q; mark it %q, %q or %q", p.File, b.Line, b.Info, Runnable, Query, Elsewhere)
				}
			}
		}
	}
}

func TestBothLanguagesOfTheRunbookHaveTheSameCommands(t *testing.T) {
	t.Parallel()
	english, translated := runbookPages(t, runbook), runbookPages(t, portuguese)
	for name, p := range english {
		other := translated[name]
		require.Len(t, other.Blocks, len(p.Blocks), other.File)
		for i, b := range p.Blocks {
			require.Equal(t, b.Info+"\n"+b.Text, other.Blocks[i].Info+"\n"+other.Blocks[i].Text, "%s:%d and %s:%d", p.File, b.Line, other.File, other.Blocks[i].Line)
		}
		require.Equal(t, rows(p), rows(other), "%s: the rows of tables", other.File)
		require.Equal(t, p.Levels, other.Levels, "%s: the headings", other.File)
	}
}

// A command may be given through each front end, and its page says how.
func TestThePageOfACommandNamesEveryFrontEnd(t *testing.T) {
	t.Parallel()
	for _, e := range command.Operators() {
		for folder, label := range map[string]string{runbook: e.Short.English, portuguese: e.Short.Portuguese} {
			p := runbookPages(t, folder)["commands/"+string(e.Name)]
			expected := []string{
				"**" + label + "**", // in the console
				"onlywave payments " + e.Name.Word() + " $PAYMENT",
				"/v1/payments/$PAYMENT/" + e.Path() + `"`,
				"`" + string(e.Action) + "`", // in the audit
			}
			switch {
			case e.Name == command.Refund: // the run of a paid payment has ended
				expected = append(expected, "temporal workflow execute-update-with-start --workflow-id payment/$PAYMENT ", "--update-name refund ",
					"temporal workflow signal-with-start --workflow-id payment/$PAYMENT ", "--signal-name refund ")
			default:
				expected = append(expected, "temporal workflow update execute --workflow-id payment/$PAYMENT --name "+string(e.Name)+" ")
			}
			if e.Has(command.Signal) && e.Name != command.Refund {
				expected = append(expected, "temporal workflow signal --workflow-id payment/$PAYMENT --name "+string(e.Name),
					"tctl workflow signal -w payment/$PAYMENT -n "+string(e.Name))
			}
			for _, text := range expected {
				require.Contains(t, p.Source, text, p.File)
			}
		}
	}
}
