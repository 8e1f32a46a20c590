package devstack

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// actAsParent in the environment makes the test binary a program that starts a stack and waits for its end.
const actAsParent = "DEVSTACK_TEST_PARENT"

func parent() {
	stack, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	port, err := FreePort(0)
	if err == nil {
		_, err = StartNginx(context.Background(), NginxOptions{Dir: filepath.Join(stack.folder.path, "nginx"), Config: nginxTestConfig(port), Port: port})
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(stack.folder.path)
	select {}
}

// A parent killed with SIGKILL can do nothing more, and yet all its services end, and the next stack removes the folder.
func TestKilledParentLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	executable, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), actAsParent+"=1")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	// For the helper too the parent-death signal is bound to the thread that forked it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	folder := strings.TrimSpace(line)
	require.DirExists(t, folder)

	family := descendants(cmd.Process.Pid)
	require.GreaterOrEqual(t, len(family), 15, "four services, epmd, nginx and its group killer, Postgres', RabbitMQ's and nginx' own children")
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	for _, each := range family {
		require.Eventually(t, func() bool { return !each.alive() }, 10*time.Second, 20*time.Millisecond, "process %d", each.pid)
	}

	stack, err := Start(t.Context(), Options{Services: []Service{Redis}})
	require.NoError(t, err)
	require.NoError(t, stack.Stop())
	// The stack of another test program may have taken the lock first, and is still removing the folder.
	require.Eventually(t, func() bool { _, err := os.Stat(folder); return os.IsNotExist(err) }, 10*time.Second, 20*time.Millisecond)
}
