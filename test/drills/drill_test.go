package drills

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/test/load"
)

func TestEveryDrillSaysWhatItShows(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, d := range All() {
		require.Regexp(t, `^[a-z0-9-]+$`, d.Name)
		require.Regexp(t, `^[A-Z].*\.$`, d.Shows, d.Name)
		require.False(t, names[d.Name], d.Name)
		names[d.Name] = true
		require.True(t, len(d.Strike) > 0 || d.Flood != load.Flood{}, "%s does no harm", d.Name)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	names := func(chosen []Drill) (names []string) {
		for _, d := range chosen {
			names = append(names, d.Name)
		}
		return names
	}
	all := []Drill{{Name: "redis-killed"}, {Name: "redis-flushed"}, {Name: "api-killed"}}
	for expression, want := range map[string][]string{
		"":                         {"redis-killed", "redis-flushed", "api-killed"},
		"redis-flushed":            {"redis-flushed"},
		"api-killed, redis-killed": {"redis-killed", "api-killed"}, // they keep their order
		"redis-.*":                 {"redis-killed", "redis-flushed"},
		"api.*,.*-killed":          {"redis-killed", "api-killed"},
	} {
		chosen, err := Choose(all, expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, names(chosen), expression)
	}
	for _, expression := range []string{"redis", "redis-.*,nothing", "("} {
		_, err := Choose(all, expression)
		require.ErrorContains(t, err, "drill", expression)
	}
}

func TestASeedDrawsTheSameForADrillWhateverRunsBesideIt(t *testing.T) {
	t.Parallel()
	draw := func(name string, seed uint64) uint64 { return Drill{Name: name}.random(seed).Uint64() }
	require.Equal(t, draw("a", 7), draw("a", 7))
	require.NotEqual(t, draw("a", 7), draw("a", 8))
	require.NotEqual(t, draw("a", 7), draw("b", 7))
}

func TestOneObjectionFailsADrill(t *testing.T) {
	t.Parallel()
	r := Result{Drill: Drill{Name: "fire", Shows: "It burns."}.complete(), Took: 90 * time.Second}
	require.True(t, r.Passed())
	require.Contains(t, table([]Result{r}), "| `fire` | It burns. | 5/s for 18s |")
	require.Contains(t, table([]Result{r}), "| passed | 1m30s |")
	r.Objections = []Objection{object("nothing burns", "p-1", "smoke")}
	require.False(t, r.Passed())
	require.Contains(t, table([]Result{r}), "| **1 objections** |")
	r.Err = errors.New("no matches")
	require.Contains(t, table([]Result{r}), "| **did not run** |")
}
