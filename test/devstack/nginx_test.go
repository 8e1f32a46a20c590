package devstack

import (
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func nginxTestConfig(port int) string {
	return fmt.Sprintf(`daemon off; pid nginx.pid; worker_processes 2; events {}
http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	server { listen 127.0.0.1:%d; return 204; } }`, port)
}

func startNginx(t *testing.T, port int) (*Nginx, error) {
	dir := t.TempDir()
	n, err := StartNginx(t.Context(), NginxOptions{
		Dir: filepath.Join(dir, "nginx"), LogFile: filepath.Join(dir, "log"), Config: nginxTestConfig(port), Port: port,
	})
	if err == nil {
		t.Cleanup(func() { require.NoError(t, n.Stop()) })
	}
	return n, err
}

// However it ends, its workers end, too: a killed master cannot stop them.
func TestNginxEndsWithItsWorkers(t *testing.T) {
	t.Parallel()
	port, err := FreePort(0)
	require.NoError(t, err)
	n, err := startNginx(t, port)
	require.NoError(t, err)
	for _, end := range []func() error{
		n.Kill, n.Stop,
		func() error {
			n.current.Load().signal(syscall.SIGKILL)
			<-n.Exited()
			return nil
		},
	} {
		workers := descendants(n.PID())
		require.NotEmpty(t, workers)
		require.NoError(t, end())
		for _, each := range workers {
			require.Eventually(t, func() bool { return !each.alive() }, 10*time.Second, 5*time.Millisecond, "process %d", each.pid)
		}
		_, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		require.Error(t, err, "no process listens any more")
		require.ErrorContains(t, n.Reload(t.Context(), nginxTestConfig(port)), "not running")
		require.NoError(t, n.Restart(t.Context()))
	}
}

func TestNginxDoesNotStartOnABadConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n, err := StartNginx(t.Context(), NginxOptions{Dir: dir, LogFile: filepath.Join(dir, "log"), Config: "daemon off; nonsense;", Port: 1})
	require.Nil(t, n)
	require.ErrorContains(t, err, "nonsense")
}
