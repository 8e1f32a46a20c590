package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run is one life of a process, from its start to its end.
type run struct {
	spec    Spec
	pid     int
	exited  chan struct{}
	failure error // how it ended; read after exited
	logFrom int64 // where its part of the log begins
	group   *groupKiller
}

// exitError is a process that ended before it was ready.
type exitError struct {
	name, how, tail string
}

func (e *exitError) Error() string { return fmt.Sprintf("%s ended (%s)%s", e.name, e.how, e.tail) }

// launch starts the process on a thread of its own that lives as long as the process does: the parent-death signal
// is sent when the *thread* that forked dies (prctl(2), PR_SET_PDEATHSIG), and Go ends threads as it likes.
func launch(spec Spec) (*run, error) {
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env, cmd.Dir = spec.Env, spec.Dir
	// A group of its own: the terminal's Ctrl-C is for us, and we stop the children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if spec.User != "" {
		credential, err := credential(spec.User)
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr.Credential = credential
	}
	r := &run{spec: spec, exited: make(chan struct{})}
	if spec.LogFile != "" {
		log, err := os.OpenFile(spec.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open its log: %w", err)
		}
		defer log.Close()
		if r.logFrom, err = log.Seek(0, io.SeekEnd); err != nil {
			return nil, fmt.Errorf("open its log: %w", err)
		}
		cmd.Stdout, cmd.Stderr = log, log
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil && spec.Group {
			r.group, err = killWithParent(cmd.Process.Pid)
			if err != nil {
				err = errors.Join(err, cmd.Process.Kill(), cmd.Wait())
			}
		}
		started <- err
		if err == nil {
			r.failure = cmd.Wait()
			if r.group != nil {
				r.group.kill()
			}
			close(r.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	r.pid = cmd.Process.Pid
	return r, nil
}

// finish runs a program to its end.
func finish(ctx context.Context, spec Spec) error {
	r, err := launch(spec)
	if err != nil {
		return fmt.Errorf("run %s: %w", spec.Name, err)
	}
	select {
	case <-r.exited:
	case <-ctx.Done():
		r.kill()
		return fmt.Errorf("run %s: %w", spec.Name, context.Cause(ctx))
	}
	if r.failure != nil {
		return r.exitError()
	}
	return nil
}

func (r *run) awaitReady(ctx context.Context) error {
	for {
		err := r.ready(ctx)
		select {
		case <-r.exited:
			return r.exitError()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %w%s", r.spec.Name, context.Cause(ctx), err, r.logTail())
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-r.exited:
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

func (r *run) ready(ctx context.Context) error {
	if r.spec.Port != 0 && !listens(r.pid, r.spec.Port) {
		return fmt.Errorf("nothing listens on port %d", r.spec.Port)
	}
	if r.spec.Ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	return r.spec.Ready(ctx)
}

func (r *run) running() bool {
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// signal is safe against a number used again: as long as the run has not ended, no other process can have its pid.
func (r *run) signal(signal syscall.Signal) {
	if r.running() {
		syscall.Kill(r.pid, signal)
	}
}

// kill freezes the process and its descendants first, so that none can fork and escape.
func (r *run) kill() {
	if !r.running() {
		return
	}
	family := freeze(r.pid)
	r.signal(syscall.SIGKILL)
	for _, each := range family {
		each.signal(syscall.SIGKILL)
	}
	<-r.exited
	bury(family, 0)
}

func (r *run) exitError() error {
	how := "exit status 0"
	if r.failure != nil {
		how = r.failure.Error()
	}
	return &exitError{name: r.spec.Name, how: how, tail: r.logTail()}
}

// logTail is the end of what this run has printed, ready to follow a message: as lines of their own.
func (r *run) logTail() string {
	const bytes, lines = 8192, 20
	file, err := os.Open(r.spec.LogFile)
	if err != nil {
		return ""
	}
	defer file.Close()
	from := r.logFrom
	if end, err := file.Seek(0, io.SeekEnd); err == nil && end-from > bytes {
		from = end - bytes
	}
	text := make([]byte, bytes)
	n, err := file.ReadAt(text, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	printed := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
	if len(printed) > lines {
		printed = printed[len(printed)-lines:]
	}
	return fmt.Sprintf("; the end of %s:\n    %s", r.spec.LogFile, strings.Join(printed, "\n    "))
}

func credential(name string) (*syscall.Credential, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
