package devstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Spec says how to run a child process.
type Spec struct {
	Name string   // in errors
	Path string   // the program
	Args []string // without the program's name
	Env  []string // nil is ours
	Dir  string   // working directory; empty is ours
	// LogFile gets what it prints, appended; empty discards it, and errors then cannot show it.
	LogFile string
	// User to run as, which only root may choose; empty is ourselves.
	User string
	// StopSignal asks it to end; 0 is SIGTERM.
	StopSignal syscall.Signal
	// Grace is how long it may take to end when asked; 0 is ten seconds.
	Grace time.Duration
	// Port on which the process itself must listen before Ready is asked; 0 is none. What answers on the port is
	// then certain to be this process and not another one's server.
	Port int
	// Group is for a program whose children do not end with it. They are killed when it ends, and when this process ends.
	Group bool
	// Prepare runs before every start, restarts included; nil is nothing.
	Prepare func(context.Context) error
	// Ready is polled until it returns nil; nil is ready at once.
	Ready func(context.Context) error
}

// Process is a child that may be started again. It dies when this process dies, even by SIGKILL.
type Process struct {
	spec    Spec
	mu      sync.Mutex // one operation at a time
	current atomic.Pointer[run]
}

// StartProcess starts a child and returns when it is ready. It fails at once, with the end of its log, when the child
// exits first. ctx bounds the start (as does a limit of 90 s), not the child's life.
func StartProcess(ctx context.Context, spec Spec) (*Process, error) {
	p := &Process{spec: spec}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// PID of the current run, or of the last one.
func (p *Process) PID() int { return p.current.Load().pid }

// Exited is closed when the current run has ended. After Restart it is another channel.
func (p *Process) Exited() <-chan struct{} { return p.current.Load().exited }

// Kill ends the process and its descendants with SIGKILL, as a power failure would, and waits until they are gone.
func (p *Process) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current.Load().kill()
	return nil
}

// Stop asks the process to end, kills it when it does not within its grace, and waits until it and its descendants are
// gone. A paused process is resumed to hear it. Stopping what has ended is no error.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	return nil
}

// Pause freezes the process and its descendants with SIGSTOP: connections stay open and get no answer.
func (p *Process) Pause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.current.Load()
	if !r.running() {
		return fmt.Errorf("pause %s: it is not running", p.spec.Name)
	}
	freeze(r.pid)
	return nil
}

// Resume lets a paused process go on.
func (p *Process) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.current.Load()
	if !r.running() {
		return fmt.Errorf("resume %s: it is not running", p.spec.Name)
	}
	thaw(r.pid)
	return nil
}

// signal asks the process for something.
func (p *Process) signal(signal syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.current.Load()
	if !r.running() {
		return fmt.Errorf("signal %s: it is not running", p.spec.Name)
	}
	r.signal(signal)
	return nil
}

// Restart starts the process again in the same way, on the same data and port, stopping it first when it still runs,
// and returns when it is ready.
func (p *Process) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	return p.start(ctx)
}

// Become is Restart as another program, which runs in the same way. It is that program from then on.
func (p *Process) Become(ctx context.Context, program string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	p.spec.Path = program
	return p.start(ctx)
}

// Setenv sets a variable of the process's environment, from its next start on.
func (p *Process) Setenv(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spec.Env = append(slices.Clip(p.spec.Env), name+"="+value) // of several the last one counts
}

const (
	startLimit   = 90 * time.Second
	defaultGrace = 10 * time.Second
	pollEvery    = 25 * time.Millisecond
	pollLimit    = 3 * time.Second
)

func (p *Process) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("start limit reached"))
	defer cancel()
	if p.spec.Prepare != nil {
		if err := p.spec.Prepare(ctx); err != nil {
			return err
		}
	}
	r, err := launch(p.spec)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	p.current.Store(r)
	if err := r.awaitReady(ctx); err != nil {
		r.kill()
		return err
	}
	return nil
}

func (p *Process) stop() {
	r := p.current.Load()
	if !r.running() {
		return
	}
	signal, grace := p.spec.StopSignal, p.spec.Grace
	if signal == 0 {
		signal = syscall.SIGTERM
	}
	if grace == 0 {
		grace = defaultGrace
	}
	family := descendants(r.pid)
	r.signal(signal)
	thaw(r.pid)
	select {
	case <-r.exited:
		bury(family, time.Second)
	case <-time.After(grace):
		r.kill()
	}
}
