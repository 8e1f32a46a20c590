package grafana

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFilesMatchTheTable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(Dashboards))
	for _, d := range Dashboards {
		made, err := d.JSON()
		require.NoError(t, err)
		kept, err := os.ReadFile(filepath.Join("dashboards", d.Name+".json"))
		require.NoError(t, err)
		require.Equal(t, string(made), string(kept), "run go generate ./deploy/grafana")
	}
}

func TestEveryPanelSaysWhatItShows(t *testing.T) {
	t.Parallel()
	for _, d := range Dashboards {
		titles := map[string]bool{}
		for _, p := range d.Panels {
			require.False(t, titles[p.Title], p.Title)
			titles[p.Title] = true
			require.NotEmpty(t, p.Title)
			require.NotEmpty(t, p.Unit, p.Title)
			require.Regexp(t, `\.$`, p.Description, p.Title)
			require.NotEmpty(t, p.Queries, p.Title)
		}
	}
}
