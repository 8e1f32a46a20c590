package devstack

import (
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// leash ends a process group when we end, however we do. The parent-death signal reaches our own child only; what that
// child has forked must notice by itself, as Postgres' processes do and nginx' workers do not.
type leash struct {
	held io.Closer
	hand *exec.Cmd
}

// tie starts a shell that waits for the end of a pipe, which the kernel closes for whoever dies.
func tie(group int) (*leash, error) {
	hand := exec.Command("/bin/sh", "-c", `read -r _; kill -s KILL -- "-$0" 2>/dev/null`, strconv.Itoa(group))
	hand.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the terminal's Ctrl-C is not for it
	held, err := hand.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &leash{held: held, hand: hand}, hand.Start()
}

// drop ends what is left of the group.
func (l *leash) drop() {
	l.held.Close()
	_ = l.hand.Wait() // that nobody was left is what its failure says
}
