package devstack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first throw-away Postgres keeps its fresh folder for the others, which have databases of their own. Not parallel: it has a cache of
// its own.
func TestAFreshDatabaseIsMadeOnceAndCopied(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	start := func() (s *Stack, made bool) {
		s, err := Start(t.Context(), Options{Services: []Service{Postgres}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Stop()) })
		log, err := os.ReadFile(s.folder.log(string(Postgres)))
		require.NoError(t, err)
		require.NoError(t, write(t.Context(), s, Postgres))
		return s, strings.Contains(string(log), "selecting default")
	}
	_, made := start()
	require.True(t, made)
	_, made = start()
	require.False(t, made)
	kept, err := filepath.Glob(filepath.Join(cache, "onlywave", "postgres", "*"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
}
