package devstack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// shellish is a folder's name that a shell script would take for something else. A checkout may be anywhere.
const shellish = "my projects/it's [here] & $HOME"

// The replicas of Postgres and Redis, too, start in such a folder, and start again.
func TestReplicasInAFolderWithASpace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), shellish)
	for range 2 {
		stack, err := Start(t.Context(), Options{Dir: dir, Ports: anyPorts(t), Sentinels: true, Services: []Service{Postgres, PostgresReplica, Redis}})
		require.NoError(t, err)
		require.NoError(t, stack.FailOverRedis(t.Context()))
		require.NoError(t, stack.Stop())
		require.Empty(t, stack.leftLinks())
	}
}

// anyPorts are free ports, so that a kept folder does not use the ports of another stack.
func anyPorts(t *testing.T) (p Ports) {
	t.Helper()
	for _, port := range []*int{&p.Postgres, &p.PostgresReplica, &p.Redis} {
		free, err := FreePort(0)
		require.NoError(t, err)
		*port = free
	}
	return p
}

func (s *Stack) leftLinks() (left []string) {
	for _, link := range s.links {
		if _, err := os.Lstat(link); err == nil {
			left = append(left, link)
		}
	}
	return left
}
