package alertmanager

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/deploy/prometheus"
)

// An inhibit rule with a misspelt name would silently hold nothing back.
func TestEveryAlertThatIsNamedExists(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`[A-Z]\w+(?:\|\w+)*`).FindAllString(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(Config, ""), -1)
	require.NotEmpty(t, named)
	for _, list := range named {
		for _, name := range regexp.MustCompile(`\|`).Split(list, -1) {
			require.Contains(t, prometheus.Alerts(), name)
		}
	}
	require.NotContains(t, For("http://127.0.0.1:1"), pager)
	require.Contains(t, For("http://127.0.0.1:1"), "http://127.0.0.1:1/page")
}
