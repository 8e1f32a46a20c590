package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func shell(t *testing.T, script string) Spec {
	return Spec{Name: "thing", Path: "/bin/sh", Args: []string{"-c", script}, LogFile: filepath.Join(t.TempDir(), "log")}
}

func TestEarlyExitShowsTheLog(t *testing.T) {
	t.Parallel()
	spec := shell(t, "echo cannot find my keys; exit 3")
	spec.Ready = func(context.Context) error { return errors.New("not yet") }
	_, err := StartProcess(t.Context(), spec)
	require.ErrorContains(t, err, "thing ended (exit status 3)")
	require.ErrorContains(t, err, "cannot find my keys")
}

func TestCancelledStartLeavesNoProcess(t *testing.T) {
	t.Parallel()
	spec := shell(t, "echo $$ > pid; exec sleep 100")
	spec.Dir = t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	spec.Ready = func(context.Context) error {
		if _, err := os.Stat(filepath.Join(spec.Dir, "pid")); err == nil {
			cancel()
		}
		return errors.New("still thinking")
	}
	p := &Process{spec: spec}
	err := p.start(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "still thinking")
	requireClosed(t, p.Exited())
}

// The process ignores SIGTERM and so does its child, in a session of its own.
func TestStopInsists(t *testing.T) {
	t.Parallel()
	spec := shell(t, "trap '' TERM; setsid sleep 100 & sleep 100")
	spec.Grace = 100 * time.Millisecond
	p, err := StartProcess(t.Context(), spec)
	require.NoError(t, err)
	var family []processID
	require.Eventually(t, func() bool {
		family = descendants(p.PID())
		return len(family) >= 2
	}, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, p.Stop())
	requireClosed(t, p.Exited())
	for _, each := range family {
		require.False(t, each.alive())
	}
	require.NoError(t, p.Stop(), "a second time")
	require.NoError(t, p.Kill())
}

func TestPauseReachesTheWholeFamily(t *testing.T) {
	t.Parallel()
	p, err := StartProcess(t.Context(), shell(t, "setsid sleep 100 & wait"))
	require.NoError(t, err)
	defer p.Kill()
	require.Eventually(t, func() bool { return len(descendants(p.PID())) == 1 }, 5*time.Second, 10*time.Millisecond)
	child := descendants(p.PID())[0].pid
	require.NoError(t, p.Pause())
	requireState(t, "T", p.PID(), child)
	require.NoError(t, p.Resume())
	requireState(t, "S", p.PID(), child)
}

func requireState(t *testing.T, state string, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool {
			s, ok := readStat(pid)
			return ok && s.state == state
		}, 5*time.Second, 5*time.Millisecond, "process %d in state %s", pid, state)
	}
}

// The terminal sends Ctrl-C to its foreground group, which is ours.
func TestChildIsNotInOurGroup(t *testing.T) {
	t.Parallel()
	p, err := StartProcess(t.Context(), shell(t, "exec sleep 100"))
	require.NoError(t, err)
	defer p.Kill()
	group, err := syscall.Getpgid(p.PID())
	require.NoError(t, err)
	require.Equal(t, p.PID(), group)
}

// Another process already answers on the port, and not the process that was started.
func TestPortOfAnotherIsNotReady(t *testing.T) {
	t.Parallel()
	port, err := FreePort(0)
	require.NoError(t, err)
	require.False(t, listens(os.Getpid(), port))
	listener := listenOn(t, port)
	defer listener.Close()
	require.True(t, listens(os.Getpid(), port))

	spec := shell(t, "exec sleep 100")
	spec.Port = port
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = StartProcess(ctx, spec)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestFreePort(t *testing.T) {
	t.Parallel()
	first, err := FreePort(0)
	require.NoError(t, err)
	same, err := FreePort(first)
	require.NoError(t, err)
	require.Equal(t, first, same)
	defer listenOn(t, first).Close()
	next, err := FreePort(first)
	require.NoError(t, err)
	require.Greater(t, next, first)
}

// A port is given once, also before its process listens on it.
func TestAPortIsGivenOnce(t *testing.T) {
	t.Parallel()
	given := map[int]bool{}
	for range 300 { // of 12,000: without care some would meet
		port, err := FreePort(0)
		require.NoError(t, err)
		require.False(t, given[port])
		given[port] = true
	}
}

func TestClosedTo(t *testing.T) {
	t.Parallel()
	const other = 60001
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o711))
	open := filepath.Dir(dir)
	require.NoError(t, os.Chmod(open, 0o711))
	require.Empty(t, closedTo(other, other, dir))
	require.NoError(t, os.Chmod(open, 0o700))
	require.Equal(t, open, closedTo(other, other, dir))
	require.Empty(t, closedTo(uint32(os.Getuid()), other, dir), "the owner may")
	require.NoError(t, os.Chmod(open, 0o710))
	require.Empty(t, closedTo(other, uint32(os.Getgid()), dir), "the group may")
}

func listenOn(t *testing.T, port int) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	return listener
}
