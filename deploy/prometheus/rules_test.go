package prometheus

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func found(text, pattern string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func alerts(t *testing.T) []string {
	t.Helper()
	all := found(read(t, "rules.yml"), `(?m)^ +- alert: (\w+)$`)
	require.NotEmpty(t, all)
	return all
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
	require.NoError(t, err, string(output))
}

func TestRulesFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "prometheus.yml") // and the rules that it names
	promtool(t, "test", "rules", "rules.test.yml", "days.test.yml")
}

func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	tried := found(read(t, "rules.test.yml")+read(t, "days.test.yml"), `(?m)alertname: (\w+)\n +exp_alerts:`)
	for _, alert := range alerts(t) {
		require.Contains(t, tried, alert, "it is never seen to fire")
	}
}

// The pages themselves are compared in test/documents.
func TestEveryAlertNamesItsPageOfTheRunbook(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, alert := range alerts(t) {
		pages = append(pages, "docs/runbook/alerts/"+alert+".md")
	}
	require.Equal(t, pages, found(read(t, "rules.yml"), `(?m)^ +runbook: (\S+)$`))
	require.Equal(t, len(pages), strings.Count(read(t, "rules.yml"), "severity: "))
}
