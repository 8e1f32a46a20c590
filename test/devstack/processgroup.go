package devstack

import (
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// groupKiller ends a process group when this process ends, even by SIGKILL. The parent-death signal reaches only our own child. The
// processes that the child has forked must end by themselves, as Postgres' processes do and nginx' workers do not.
type groupKiller struct {
	pipe  io.Closer
	shell *exec.Cmd
}

// killWithParent starts a shell that waits for the end of a pipe and then kills the group. The kernel closes the pipe when this process
// dies.
func killWithParent(group int) (*groupKiller, error) {
	shell := exec.Command("/bin/sh", "-c", `read -r _; kill -s KILL -- "-$0" 2>/dev/null`, strconv.Itoa(group))
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is not for it
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &groupKiller{pipe: pipe, shell: shell}, shell.Start()
}

// kill ends what is left of the group.
func (l *groupKiller) kill() {
	l.pipe.Close()
	_ = l.shell.Wait() // it fails when the group was empty
}
